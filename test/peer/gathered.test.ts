import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Gathered } from '../../src/peer/gathered.ts';

/** A stream that keeps what each call of the system would get. */
function calls(): { readonly stream: Writable; readonly made: string[] } {
  const made: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      made.push(chunk.toString());
      done();
    },
    writev(chunks: readonly { readonly chunk: Buffer }[], done) {
      made.push(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString());
      done();
    },
  });
  return { stream, made };
}

test('what is written in one turn goes in one call, in its order', async () => {
  const { stream, made } = calls();
  const out = new Gathered(stream);
  const lane = async (name: string): Promise<void> => {
    out.write(Buffer.from(`${name}1`));
    await Promise.resolve();
    out.write(Buffer.from(`${name}2`));
  };
  await Promise.all(['a', 'b', 'c'].map(lane));
  await new Promise(setImmediate);
  expect(made).toEqual(['a1b1c1a2b2c2']);
  out.write(Buffer.from('d'));
  await new Promise(setImmediate);
  expect(made).toEqual(['a1b1c1a2b2c2', 'd']);
});

test('the last words of a stream are not lost', async () => {
  const { stream, made } = calls();
  new Gathered(stream).write(Buffer.from('goodbye'));
  await new Promise<void>((resolve) => void stream.end(resolve));
  expect(made).toEqual(['goodbye']);
});
