import { type Form, report } from '../form/form.ts';
import { textOf } from '../form/setting-form.ts';

/** A number that need not be whole, between two bounds. */
export function decimal(bounds: { readonly least: number; readonly most: number }): Form<number> {
  return {
    read(written, reading) {
      const text = written.kind === 'scalar' ? (textOf(written) ?? '') : '';
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (value >= bounds.least && value <= bounds.most) return value;
      const what = `must be a number from ${bounds.least} to ${bounds.most}`;
      return report(reading, written.place, what);
    },
    schema: () => ({ type: ['number', 'string'], minimum: bounds.least, maximum: bounds.most }),
  };
}
