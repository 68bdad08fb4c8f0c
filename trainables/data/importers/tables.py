"""Tables, one row a frame: CSV and Parquet. Their arrays are the columns."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crescendo.trainables.data.importers.arrays import Announced
from crescendo.trainables.storage.reading import most_unpacked, too_large

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t")
_COMMA = re.compile(r"(?:^|[;\t])\s*\"?[+-]?\d*,\d+(?:[eE][+-]?\d+)?\"?\s*(?:$|[;\t])")
_LOOKED_AT = 100
"""Rows that are searched for a decimal comma."""
# Not pandas' list, in which "None" and "NA" are no text: they are labels.
_MISSING = ["", "NaN", "nan"]


class CsvTable:
    """A CSV file, with commas, semicolons or tabs; its first line names the columns unless it holds numbers only.

    Between semicolons or tabs the decimal sign may be a comma.
    """

    def __init__(self, file: IO[bytes], where: str) -> None:
        """Read `file`; `ValueError` if it is no table."""
        text = file.read().decode("utf-8-sig").rstrip("\r\n")
        first, *rows = text.split("\n")
        if not first.strip():
            raise ValueError("its first line is empty")
        separator = _separator([first, *rows[:_LOOKED_AT]])
        decimal = "," if separator != "," and any(map(_COMMA.search, (first, *rows[:_LOOKED_AT]))) else "."
        cells = [cell.strip().strip('"') for cell in first.split(separator)]
        # A single column of labels often has no name.
        headless = all(_is_number(cell.replace(decimal, ".")) for cell in cells) or (
            len(cells) == 1 and first.strip() in {row.strip() for row in rows}
        )
        self._table = _parsed(text, separator, headless, decimal)
        self._table.columns = [str(column) for column in self._table.columns]
        self.announced: dict[str, Announced] = {
            str(name): Announced((len(self._table),), _plain(column.to_numpy().dtype))
            for name, column in self._table.items()
        }

    def read(self, name: str) -> np.ndarray:
        """Return a column: numbers, NaN where one is missing, or text, empty where it is."""
        return _values(self._table[name])


def _separator(rows: Sequence[str]) -> str:
    """Return what separates cells: semicolons or tabs where each row has equally many, for commas may then be decimal."""
    for one in (";", "\t"):
        if (count := rows[0].count(one)) and all(row.count(one) == count for row in rows if row.strip()):
            return one
    return max(_SEPARATORS, key=rows[0].count)


def _parsed(text: str, separator: str, headless: bool, decimal: str) -> pd.DataFrame:
    # Half a second, which a command that reads no table does not wait for.
    import pandas as pd

    with warnings.catch_warnings():
        # It would cut rows that are longer than the first.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                io.StringIO(text),
                sep=separator,
                decimal=decimal,
                header=None if headless else 0,
                index_col=False,
                keep_default_na=False,
                na_values=_MISSING,
                low_memory=False,
                skip_blank_lines=False,
            )
        except pd.errors.ParserWarning:
            raise ValueError("its rows have more cells than its first line") from None


class ParquetTable:
    """A Parquet file."""

    def __init__(self, file: IO[bytes], where: str) -> None:
        """Look at what `file` holds; `ValueError` or `OSError` if it is no Parquet file, `InputError` if it is a bomb."""
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._file = pq.ParquetFile(file)
        described, schema = self._file.metadata, self._file.schema_arrow
        groups = sum(described.row_group(number).total_byte_size for number in range(described.num_row_groups))
        if max(groups, described.num_rows * len(schema) * 8) > (limit := most_unpacked(size)):
            raise too_large(where, limit)
        self.announced = {field.name: Announced((described.num_rows,), _arrow_type(field.type)) for field in schema}

    def read(self, name: str) -> np.ndarray:
        """Return a column, as of a CSV file."""
        return _values(self._file.read(columns=[name]).column(name).to_pandas())


def _values(column: pd.Series) -> np.ndarray:
    # As above.
    import pandas as pd

    if column.dtype.kind in "biuf":
        return column.to_numpy()
    text = ["" if value is None or value is pd.NA or value != value else str(value) for value in column.to_list()]  # noqa: PLR0124
    return np.asarray(text, dtype=np.str_)


def _plain(dtype: np.dtype) -> np.dtype:
    return dtype if dtype.kind in "biuf" else np.dtype(np.str_)


def _arrow_type(kind: pa.DataType) -> np.dtype:
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        plain: np.dtype = np.dtype(kind.to_pandas_dtype())
        return plain
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return np.dtype(np.str_ if pa.types.is_string(kind) or pa.types.is_large_string(kind) else object)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
