import { expect, test } from 'vitest';
import { cellOf, columnOf, valueOf } from '../../../adapters/sql/odbc-value.ts';

const DECIMAL = 3;
const column = (decimalDigits: number) => ({
  name: 'amount',
  dataType: DECIMAL,
  columnSize: 20,
  decimalDigits,
});

test.for([
  [1.1, 2, '1.10'],
  [-0.07, 2, '-0.07'],
  [0, 4, '0.0000'],
  [1234567890123.45, 2, '1234567890123.45'],
  [123456789012345, 0, '123456789012345'],
] as const)(
  'the decimal %s with %s digits behind the point is regained as %s',
  ([value, digits, text]) => {
    expect(cellOf(value, 'decimal', column(digits))).toBe(text);
  },
);

test.for([
  [12345678901234.56, 2],
  [2 ** 53 + 2, 0],
  // more digits than the driver says that the column has
  [1.123456789, 6],
] as const)(
  'the decimal %s with %s digits behind the point may be another one, and is refused',
  ([value, digits]) => {
    expect(() => cellOf(value, 'decimal', column(digits))).toThrow(
      expect.objectContaining({ problem: 'value', remedy: expect.stringContaining('CAST(amount') }),
    );
  },
);

test('whole numbers of any size, flags and times are as in the database', () => {
  expect(cellOf(2n ** 63n - 1n, 'whole', column(0))).toBe(2n ** 63n - 1n);
  expect(cellOf('1', 'flag', column(0))).toBe(true);
  expect(cellOf('2026-03-29 02:30:00.123456', 'time', column(0))).toBe(
    '2026-03-29T02:30:00.123456',
  );
  expect(columnOf({ ...column(0), dataType: -9 }).kind).toBe('text');
});

test('a whole number that ODBC cannot send as one is sent as text', () => {
  expect(valueOf(2n ** 63n)).toBe('9223372036854775808');
  expect(valueOf(-(2n ** 63n))).toBe(-(2n ** 63n));
});
