import { expect, test } from 'vitest';
import { dicomDocument, documentOf } from '../../src/document/index.ts';
import { PATH_FORMS } from '../../src/document/path-forms.ts';

const rows = PATH_FORMS.flatMap(({ type, sample, bytes, forms }) =>
  forms.map((form) => ({ type, sample, bytes, ...form })),
);

test.for(rows)(
  '$path reads and writes as the reference says',
  ({ type, sample, bytes, path, reads, writes }) => {
    const body = bytes?.() ?? Buffer.from(sample);
    const document = documentOf(body, { type });
    expect(document.all(path)).toEqual(reads);
    expect(document.get(path)).toBe(reads[0] ?? '');
    const changed = document.copy();
    if (writes !== undefined) changed.set(path, 'new');
    expect(Buffer.from(changed.bytes()).toString()).toContain(
      writes ?? Buffer.from(body).toString(),
    );
  },
);

test('what people see of a DICOM file is what it holds', () => {
  for (const { sample, bytes } of PATH_FORMS) {
    if (bytes === undefined) continue;
    expect([...dicomDocument(bytes()).lines()].join('\n')).toBe(sample);
  }
});
