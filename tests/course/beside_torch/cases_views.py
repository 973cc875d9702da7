"""The table's entries: views, their strides and storage, copies, and what is asked of a tensor."""

from __future__ import annotations

from table import ALL, ONE, Case, each

MATRIX = each((2, 3), (1, 3), (0, 3), (2, 1))
CUBE = each((2, 3, 4), (2, 1, 4), (2, 0, 3))

# Name: the view, and the shapes it is tried on. Each is compared as a view (strides, offset, shared storage) and as an
# operation with a gradient.
_VIEWS = {
    "view(6)": (lambda lib, a: a.contiguous().view(6), each((2, 3), (6,), (1, 6), (3, 1, 2))),
    "view(-1)": (lambda lib, a: a.contiguous().view(-1), ONE),
    "view(2, -1)": (lambda lib, a: a.contiguous().view(2, -1), each((2, 3), (2, 3, 4), (4,), (6, 1))),
    "view of a tuple": (lambda lib, a: a.contiguous().view((1, -1, 1)), ONE),
    "view of nothing": (lambda lib, a: a.contiguous().view(0, 5), each((2, 0, 3), (0,))),
    "view to 0-d": (lambda lib, a: a.contiguous().view(()), each((1,), (1, 1), ())),
    "view that splits a dim": (lambda lib, a: a.view(*a.shape[:-1], 2, 2), each((3, 4), (2, 1, 4), (4,))),
    "view of a transposed matrix, split": (lambda lib, a: a.T.view(2, 2, 3), each((3, 4))),
    "view that merges what lies side by side": (lambda lib, a: a.transpose(0, 2).view(4, -1).view(4, 6)
                                                if a.is_contiguous() and a.shape[1] == 1 else a.contiguous().view(24),
                                                each((2, 3, 4))),
    "reshape(3, 2)": (lambda lib, a: a.reshape(3, 2), each((2, 3), (6,), (1, 2, 3))),
    "reshape(-1)": (lambda lib, a: a.reshape(-1), ONE + CUBE),
    "reshape of a permuted tensor": (lambda lib, a: a.permute(2, 0, 1).reshape(-1, 2), CUBE[:2]),
    "reshape to what it was": (lambda lib, a: a.reshape(a.shape), ONE),
    "permute": (lambda lib, a: a.permute(2, 0, 1), CUBE),
    "permute, negative dims": (lambda lib, a: a.permute(-1, 0, -2), CUBE),
    "permute of a tuple": (lambda lib, a: a.permute((1, 0)), MATRIX),
    "transpose(0, 1)": (lambda lib, a: a.transpose(0, 1), MATRIX + CUBE),
    "transpose(-1, 0)": (lambda lib, a: a.transpose(-1, 0), MATRIX + CUBE),
    "transpose of a vector": (lambda lib, a: a.transpose(0, -1), each((3,), ())),
    "T": (lambda lib, a: a.T, MATRIX),
    "expand": (lambda lib, a: a.expand(2, 4, 3), each((3,), (1, 3), (4, 3), (1, 1, 3), (4, 1))),
    "expand with -1": (lambda lib, a: a.expand(4, -1, -1), each((2, 3), (1, 2, 3), (1, 0))),
    "expand of a 0-d tensor": (lambda lib, a: a.expand(2, 3), each((), (1,))),
    "expand to no elements": (lambda lib, a: a.expand(0, 3), each((1, 3), (3,), ())),
    "squeeze()": (lambda lib, a: a.squeeze(), each((1,), (2, 1, 3), (1, 1), (2, 3), (), (1, 0))),
    "squeeze(1)": (lambda lib, a: a.squeeze(1), each((2, 1, 3), (2, 3), (0, 1))),
    "squeeze(-1)": (lambda lib, a: a.squeeze(-1), each((2, 1), (3,), ())),
    "unsqueeze(0)": (lambda lib, a: a.unsqueeze(0), ONE),
    "unsqueeze(-1)": (lambda lib, a: a.unsqueeze(-1), ONE),
    "unsqueeze(1)": (lambda lib, a: a.unsqueeze(1), each((3,), (2, 3), (0, 2))),
    "flatten()": (lambda lib, a: a.flatten(), ONE + CUBE),
    "flatten(1)": (lambda lib, a: a.flatten(1), CUBE + MATRIX),
    "flatten(0, -2)": (lambda lib, a: a.flatten(0, -2), CUBE + MATRIX),
    "a row": (lambda lib, a: a[1], each((2, 3), (3,), (2, 0, 3))),
    "a column": (lambda lib, a: a[:, -1], MATRIX[:3]),
    "an element": (lambda lib, a: a[0, -1], each((2, 3), (1, 1))),
    "a[1:]": (lambda lib, a: a[1:], ONE[2:]),
    "a[:-1, 1:3]": (lambda lib, a: a[:-1, 1:3], each((2, 3), (3, 5), (1, 1))),
    "a[::2]": (lambda lib, a: a[::2], each((5,), (4, 3), (0, 3))),
    "a[1:100:3]": (lambda lib, a: a[1:100:3], each((8,), (5, 2))),
    "a[5:2]": (lambda lib, a: a[5:2], each((8,), (3, 2))),
    "a[-2:-1]": (lambda lib, a: a[-2:-1], each((8,), (3, 2), (1,))),
    "a[...]": (lambda lib, a: a[...], ONE),
    "a[()]": (lambda lib, a: a[()], ONE),
    "a[..., 0]": (lambda lib, a: a[..., 0], each((3,), (2, 3), (2, 0, 3))),
    "a[0, ..., 1:]": (lambda lib, a: a[0, ..., 1:], each((2, 3), (2, 1, 3), (2, 2))),
    "a[None]": (lambda lib, a: a[None], ONE),
    "a[:, None, ::2]": (lambda lib, a: a[:, None, ::2], each((2, 3), (0, 3))),
    "a[None, ..., None]": (lambda lib, a: a[None, ..., None], ONE),
    "a chain of views": (lambda lib, a: a[1:].T[::2].unsqueeze(1)[:, :, -1], each((3, 4), (2, 3))),
    "a view of an expanded view": (lambda lib, a: a[:, :1].expand(-1, 4)[1:, 2:].T, each((3, 2), (2, 1))),
    "detach": (lambda lib, a: a.detach(), ONE),
    "contiguous": (lambda lib, a: a.contiguous(), ONE),
    "contiguous of a transposed matrix": (lambda lib, a: a.T.contiguous(), MATRIX),
    "split up": (lambda lib, a: list(a), each((3,), (2, 3), (0, 3))),
    "unpacked": (lambda lib, a: (lambda x, y: [y, x])(*a), each((2,), (2, 3))),
    "to its own dtype": (lambda lib, a: a.to(a.dtype), ONE),
}

# Those that are one node in torch as in terox. Others are composed of these.
_ONE_NODE = ("view(6)", "view(-1)", "permute", "permute of a tuple", "T", "expand", "expand with -1", "a row", "a[1:]",
             "a[::2]", "contiguous of a transposed matrix")

# What is copied has to be another storage; its strides are not compared where torch keeps those of the input.
_COPIES = {
    "clone": (lambda lib, a: a.clone(), ONE),
    "to(float64)": (lambda lib, a: a.to(lib.float64) * 1, ONE),
    "to(float32)": (lambda lib, a: a.to(lib.float32) * 1, ONE),
    "to(int64)": (lambda lib, a: a.to(lib.int64) * 1, ONE),
    "to(bool)": (lambda lib, a: a.to(lib.bool), ONE),
    "to another dtype and back": (lambda lib, a: a.to(lib.float32).to(lib.float64), ONE),
}

_ASKED = {
    "shape, size, dim, numel, len": (
        lambda lib, a: [a.shape, a.size(), a.size(0), a.size(-1), a.dim(), a.ndim, a.numel(), len(a)],
        each((3,), (2, 3), (2, 0, 3))),
    "of a 0-d tensor": (lambda lib, a: [a.shape, a.size(), a.dim(), a.numel(), a.stride()], each(())),
    "stride(dim)": (lambda lib, a: [a.stride(0), a.stride(-1), a.T.stride()], each((2, 3), (0, 3))),
    "dtype and is_contiguous": (lambda lib, a: [a.dtype, a.is_contiguous(), a.T.is_contiguous()],
                                each((2, 3), (1, 3), (0, 3))),
    "tolist": (lambda lib, a: a.tolist(), ONE),
    "item": (lambda lib, a: a.item(), each((), (1,), (1, 1))),
    "float, int, bool": (lambda lib, a: [float(a), int(a), bool(a)], each((), (1,))),
    "numpy": (lambda lib, a: (lambda n: [str(n.dtype), n.shape, n.tolist()])(a.detach().numpy()), ONE),
    "numpy's strides": (lambda lib, a: a.detach().numpy().strides, each((2, 3))),
    "numpy shares memory": (lambda lib, a: (lambda b, n: [n.fill(2), b])(*(lambda b: (b, b.numpy()))(a.detach())),
                            each((2, 3), ())),
    "an element in": (lambda lib, a: [1 in a, 2.5 in a], each((3,), (2, 3))),
    "iteration": (lambda lib, a: [row.tolist() for row in a], each((3,), (2, 3), (0, 3))),
    "sum() of Python": (lambda lib, a: sum(a), each((3,), (2, 3))),
    "repr": (lambda lib, a: repr(a.detach()), each((), (0,), (3,), (2, 3), (2, 0, 3), (2, 1, 3))),
    "str": (lambda lib, a: str(a.detach() * 1000), each((3,), (2, 3))),
    "format": (lambda lib, a: [f"{a.detach():.3f}", f"{a.detach()}"], each(())),
    "is_leaf and requires_grad": (lambda lib, a: [a.is_leaf, a.requires_grad, (a * 2).is_leaf, a.detach().is_leaf],
                                  each((3,))),
}


def _cases() -> list[Case]:
    cases = [Case(name, run, shapes, ALL, view=True, domain="any") for name, (run, shapes) in _VIEWS.items()]
    cases += [Case(f"{name}: gradient", run, shapes, ("float64",), node=name in _ONE_NODE)
              for name, (run, shapes) in _VIEWS.items() if name != "detach"]
    cases += [Case(name, run, shapes, ALL) for name, (run, shapes) in _COPIES.items()]
    cases += [Case(name, run, shapes, ALL) for name, (run, shapes) in _ASKED.items()]
    cases.append(Case("writing to an expanded tensor", lambda lib, a: a.expand(2, 3).fill_(5.0), each((3,)),
                      grad=False))
    cases.append(Case("clone does not share storage", lambda lib, a: (lambda b: [b.detach().mul_(3), a])(a.clone()),
                      ONE))
    return cases


CASES = _cases()
