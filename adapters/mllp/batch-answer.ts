import type { Hl7Header } from 'waybill/document';

/**
 * Puts the acknowledgements of a batch's messages into one batch, in the sender's delimiters and addressed to it.
 * `comment` goes to BTS-2.
 */
export function batchAnswer(
  header: Hl7Header,
  answers: readonly Uint8Array[],
  comment: string,
): Uint8Array {
  const { delimiters, slots } = header;
  const slot = (field: number): string => slots[field - 1] ?? '';
  const join = (fields: readonly string[]): Buffer =>
    Buffer.from(`${fields.join(delimiters.field)}\r`, 'latin1');
  const plain = comment.replaceAll(/[^\w .,:-]/g, ' ');
  return Buffer.concat([
    // BHS-3 and 4 change places with 5 and 6; BHS-12 names the batch that is answered.
    join(['BHS', delimiters.encoding, ...[5, 6, 3, 4].map(slot), '', '', '', '', '', slot(11)]),
    ...answers,
    join(['BTS', String(answers.length), ...(plain === '' ? [] : [plain])]),
  ]);
}
