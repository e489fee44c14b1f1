import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { documentInTurns, documentOf } from '../../../src/document/index.ts';

const XML = { type: 'application/xml', charset: undefined };

/** What a piece of the text may end in the middle of. */
const TOKENS =
  '<?go on?><a:b xmlns:a="urn:a" c=\'1 &lt; 2\' d="&#x1F600;😀">é\r\n&amp;<![CDATA[<x>]]><!-- ] --></a:b>\r\n<e/>';

/** Where one piece of the text ends. */
const PIECE = 32_768;

test('a text is read alike, wherever a piece of it ends', async () => {
  for (let at = 0; at <= TOKENS.length; at++) {
    const text = `<r>${'x'.repeat(PIECE - 3 - at)}${TOKENS}<last>1</last></r>`;
    const bytes = Buffer.from(text);
    const document = await documentInTurns(bytes, XML);
    const whole = documentOf(bytes, XML);
    const read = [document, whole].map((one) => {
      const told = ['/r/b', '//@c', '//@d', '/r/last'].map((path) => one?.all(path));
      one?.set('/r/b/@c', 'new');
      one?.set('/r/last', '2');
      return [...told, Buffer.from(one?.bytes() ?? []).toString()];
    });
    expect(read[0]).toEqual(read[1]);
    expect(read[0]?.[3]).toEqual(['1']);
  }
});

test('others get their turn while a large one is read', async () => {
  const bytes = Buffer.from(`<r>${'<s><v>x</v></s>'.repeat(20_000)}</r>`);
  let turns = 0;
  let isRead = false;
  const counting = (async () => {
    for (; !isRead; turns++) await turn();
  })();
  const document = await documentInTurns(bytes, XML);
  isRead = true;
  await counting;
  expect(document?.all('/r/s/v').length).toBe(20_000);
  expect(turns).toBeGreaterThanOrEqual(Math.floor(bytes.length / PIECE));
});

test('what is wrong is told as of a text that is read at once', async () => {
  const filler = 'x'.repeat(2 * PIECE);
  for (const text of [
    `<r>${filler}</s>`,
    `<r>${filler}`,
    `<r>${filler}</r><r/>`,
    '<!DOCTYPE r><r/>',
  ]) {
    const bytes = Buffer.from(text);
    const told = (() => {
      try {
        return documentOf(bytes, XML);
      } catch (error) {
        return error;
      }
    })();
    await expect(documentInTurns(bytes, XML)).rejects.toEqual(told);
  }
});

test('what is read as far as it is asked needs no turns', async () => {
  expect(
    await documentInTurns(Buffer.from('{}'), { type: 'application/json', charset: undefined }),
  ).toBeUndefined();
});
