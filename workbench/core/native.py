"""How compiled code sees a desk: one pointer to its buffer, with the names of `state.Desk`.

A tuple of twenty arrays is 150 machine words for each call that is not inlined, and counts references at every use;
that made kernels four times slower and their compilation ten times longer. Here `desk.orders[slot].leaves` is two
loads: the section's offset from the header, then the field.

With NUMBA_DISABLE_JIT=1 none of this is used: `open_desk` is then `state.desk_views`.
"""

from __future__ import annotations

# numba and llvmlite describe their extension interface with untyped functions and metaclasses.
# mypy: disable-error-code="no-untyped-call,untyped-decorator,override,call-arg,attr-defined,import-untyped,index"
import operator
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once, raw_memcpy
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import intrinsic, lower_builtin, lower_getattr_generic, models, register_model
from numba.np.arrayobj import make_array, populate_array

from workbench.core.jit import jit
from workbench.core.rows import HEADER, Header
from workbench.core.state import Desk, desk_views, sections

__all__ = ["copy_bytes", "keep", "kept", "open_desk", "own_floats"]

BYTE = ir.IntType(8).as_pointer()
WORD = ir.IntType(64)
_PROBE: Header = np.ones(1, dtype=HEADER)[0]
_SECTIONS = {"head": (HEADER, (1,)), **sections(_PROBE)}


class _RowsType(types.Type):
    """A pointer to the first row of a section."""

    def __init__(self, name: str) -> None:
        self.record = numba.from_dtype(_SECTIONS[name][0])
        super().__init__(name=f"desk rows {name}")


class _DeskType(types.Type):
    """A pointer to a desk's buffer."""

    def __init__(self) -> None:
        super().__init__(name="desk")


_DESK = _DeskType()
_FIELDS: dict[str, Any] = {
    name: _RowsType(name)
    if dtype.fields is not None
    else types.Array(numba.from_dtype(dtype), len(shape), "C")
    for name, (dtype, shape) in _SECTIONS.items()
}


@register_model(_RowsType)
@register_model(_DeskType)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, BYTE)


@infer_getattr
class _DeskAttributes(AttributeTemplate):
    key = _DeskType

    def generic_resolve(self, _desk: types.Type, name: str) -> Any:
        return _FIELDS.get(name)


@infer_global(operator.getitem)
class _RowAt(AbstractTemplate):
    def generic(self, args: Any, _kws: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], _RowsType) and isinstance(args[1], types.Integer):
            return signature(args[0].record, args[0], types.intp)
        return None


def _load(builder: Any, desk: Any, field: str) -> Any:
    """Load one header field of the desk at pointer `desk`."""
    place = builder.gep(desk, [WORD(HEADER.fields[field][1])])
    return builder.load(builder.bitcast(place, WORD.as_pointer()))


@lower_getattr_generic(_DeskType)
def _section(context: Any, builder: Any, _kind: Any, desk: Any, name: str) -> Any:
    if name == "head":
        return desk
    start = builder.gep(desk, [_load(builder, desk, f"at_{name}")])
    field = _FIELDS[name]
    if isinstance(field, _RowsType):
        return start
    if name in ("returns", "results"):
        across = _load(builder, desk, "instruments" if name == "returns" else "strategies")
        shape = [_load(builder, desk, "window"), across]
        strides = [builder.mul(across, WORD(8)), WORD(8)]
    else:
        shape = [WORD(2**62)]  # kernels index these by the header's sizes and never ask for their length
        strides = [WORD(8)]
    array = make_array(field)(context, builder)
    data = builder.bitcast(start, context.get_value_type(field.dtype).as_pointer())
    populate_array(array, data=data, shape=shape, strides=strides, itemsize=8, meminfo=None)
    return array._getvalue()


@lower_builtin(operator.getitem, _RowsType, types.intp)
def _row(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    record = sig.return_type
    place = builder.gep(args[0], [builder.mul(args[1], WORD(record.size))])
    return builder.bitcast(place, context.get_value_type(record))


@intrinsic
def _open(_typing: Any, buffer: Any) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array = make_array(sig.args[0])(context, builder, args[0])
        return builder.bitcast(array.data, BYTE)

    return signature(_DESK, buffer), code


def _open_native(buffer: npt.NDArray[np.uint8]) -> Desk:
    """The desk in `buffer`, which must outlive the call that opened it."""
    desk: Desk = _open(buffer)
    return desk


open_desk = desk_views if numba.config.DISABLE_JIT else jit(_open_native)


@intrinsic
def _copy(_typing: Any, target: Any, source: Any, _first: Any, _last: Any) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        places = [
            builder.gep(make_array(kind)(context, builder, value).data, [args[2]])
            for kind, value in zip(sig.args[:2], args[:2], strict=True)
        ]
        raw_memcpy(builder, *places, builder.sub(args[3], args[2]), 1)
        return context.get_dummy_value()

    return signature(types.none, target, source, types.intp, types.intp), code


def _copy_native(target: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], first: int, last: int) -> None:
    """Copy bytes first..last of one buffer to the same place of another."""
    _copy(target, source, first, last)


def _copy_plain(target: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], first: int, last: int) -> None:
    target[first:last] = source[first:last]


copy_bytes = _copy_plain if numba.config.DISABLE_JIT else jit(_copy_native)


# -- a few numbers of one's own ---------------------------------------------------------------------------------------

_FLOATS = types.Array(types.float64, 1, "C")


@intrinsic(prefer_literal=True)
def _stacked(_typing: Any, size: Any) -> Any:
    def code(context: Any, builder: Any, sig: Any, _args: Any) -> Any:
        count = sig.args[0].literal_value
        room = alloca_once(builder, ir.ArrayType(ir.DoubleType(), count))
        array = make_array(_FLOATS)(context, builder)
        data = builder.bitcast(room, ir.DoubleType().as_pointer())
        populate_array(array, data=data, shape=[WORD(count)], strides=[WORD(8)], itemsize=8, meminfo=None)
        return array._getvalue()

    return (signature(_FLOATS, size), code) if isinstance(size, types.IntegerLiteral) else None


def _own_plain(size: int) -> npt.NDArray[np.float64]:
    return np.zeros(size)


own_floats: Any = _own_plain if numba.config.DISABLE_JIT else _stacked
"""float64[size] that lasts as long as the function that asks for it, not filled; `size` is a constant.

It lies on the stack, where the compiler sees that nobody else has it: what is written and never read costs nothing.
"""


# -- what a strategy keeps, as bytes that nobody counts references to -----------------------------------------------


@intrinsic
def _width(_typing: Any, value: Any) -> Any:
    def code(context: Any, _builder: Any, sig: Any, _args: Any) -> Any:
        return WORD(context.get_abi_sizeof(context.get_value_type(sig.args[0])))

    return signature(types.intp, value), code


def _place(context: Any, builder: Any, sig: Any, args: Any, kind: Any) -> Any:
    """The pointer to value number `args[1]` of type `kind` in the buffer `args[0]`."""
    data = make_array(sig.args[0])(context, builder, args[0]).data
    layout = context.get_value_type(kind)
    start = builder.mul(args[1], WORD(context.get_abi_sizeof(layout)))
    return builder.bitcast(builder.gep(data, [start]), layout.as_pointer())


@intrinsic
def _put(_typing: Any, buffer: Any, _index: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, sig, args, sig.args[2]))
        return context.get_dummy_value()

    return signature(types.none, buffer, types.intp, value), code


@intrinsic
def _get(_typing: Any, buffer: Any, _index: Any, like: Any) -> Any:
    """Value number `index` of what `keep` made of values like `like`, which somebody else must keep alive."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, sig, args, sig.args[2]))

    return signature(like, buffer, types.intp, like), code


def _keep_native(values: Any) -> npt.NDArray[np.uint8]:
    room = np.zeros(len(values) * _width(values[0]), dtype=np.uint8)
    for i in range(len(values)):
        _put(room, i, values[i])
    return room


def _keep_plain(values: Any) -> Any:
    """Values for `kept`: a loop that takes them from there counts no references."""
    return values


def _kept_plain(room: Any, index: int, _like: Any) -> Any:
    return room[index]


keep = _keep_plain if numba.config.DISABLE_JIT else jit(_keep_native, allocates=True)
kept: Any = _kept_plain if numba.config.DISABLE_JIT else _get
