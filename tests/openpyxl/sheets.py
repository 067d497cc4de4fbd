"""Tells what a spreadsheet holds: sheets.py FILE, as JSON."""

import json
import sys

import openpyxl

book = openpyxl.load_workbook(sys.argv[1])
print(json.dumps([
    {
        "name": sheet.title,
        "frozen": sheet.freeze_panes,
        "rows": [[cell.value for cell in row] for row in sheet.iter_rows()],
        "formats": sorted({cell.number_format for row in sheet.iter_rows() for cell in row}),
    }
    for sheet in book
], ensure_ascii=False))
