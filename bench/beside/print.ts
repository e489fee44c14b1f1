import { Agent, request } from 'undici';
import printOut from '../../adapters/print/print-out.ts';
import { certificates } from '../../test/support/certificates.ts';
import { cups } from '../../test/support/cups.ts';
import { message } from '../messages.ts';
import { type Subjects, sender, timed } from './subject.ts';

const nobody = { kind: 'basic', user: '', password: '' } as const;
const body = Buffer.from(message(1).bytes);

/** Jobs accepted by CUPS beside undici with the same request, written by hand. */
export async function printSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const files = undo.use(await certificates());
  const { certificate, key } = files.server;
  const server = undo.use(await cups({ certificate, key }));
  const queue = await server.queue('bench');
  const place = `127.0.0.1:${server.port}${queue.path}`;
  const given = { url: `ipp://${place}`, follow: 'accepted' };
  const out = await sender(printOut, given, nobody);
  undo.defer(() => out.close());
  const dispatcher = new Agent({ connections: 16 });
  undo.defer(() => dispatcher.close());
  let id = 0;
  const bare = async (): Promise<void> => {
    const head = jobOf(`ipp://${place}`, `Waybill ${++id}`, id);
    const answer = await request(`http://${place}`, {
      method: 'POST',
      headers: { 'content-type': 'application/ipp' },
      body: Buffer.concat([head, body]),
      dispatcher,
    });
    const said = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200 || said.readUInt16BE(2) > 0xff) throw new Error('refused');
  };
  const prepare = (): Promise<void> => queue.cancel();
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'print-out',
        prepare,
        // CUPS refuses more than 500 that are not printed yet
        most: 400,
        bare: (messages) => timed(messages, bare),
        adapter: (messages) => timed(messages, () => out.send(body)),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Print-Job (RFC 8011 §4.2.1). */
function jobOf(printer: string, name: string, id: number): Buffer {
  const head = Buffer.of(2, 0, 0, 2, 0, 0, 0, 0, 1);
  head.writeUInt32BE(id, 4);
  return Buffer.concat([
    head,
    attribute(0x47, 'attributes-charset', 'utf-8'),
    attribute(0x48, 'attributes-natural-language', 'en'),
    attribute(0x45, 'printer-uri', printer),
    attribute(0x42, 'requesting-user-name', 'bench'),
    attribute(0x42, 'job-name', name),
    attribute(0x49, 'document-format', 'text/plain'),
    Buffer.of(3),
  ]);
}

const attribute = (tag: number, name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(tag), measured(name), measured(value)]);

/** A text with its length before it. */
function measured(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}
