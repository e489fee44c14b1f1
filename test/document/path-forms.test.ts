import { expect, test } from 'vitest';
import { documentOf } from '../../src/document/document-of.ts';
import { PATH_FORMS } from '../../src/document/path-forms.ts';

const rows = PATH_FORMS.flatMap(({ type, sample, forms }) =>
  forms.map((form) => ({ type, sample, ...form })),
);

test.for(rows)(
  '$path reads and writes as the reference says',
  ({ type, sample, path, reads, writes }) => {
    const document = documentOf(Buffer.from(sample), { type });
    expect(document.all(path)).toEqual(reads);
    expect(document.get(path)).toBe(reads[0] ?? '');
    const changed = document.copy();
    if (writes !== undefined) changed.set(path, 'new');
    expect(Buffer.from(changed.bytes()).toString()).toContain(writes ?? sample);
  },
);
