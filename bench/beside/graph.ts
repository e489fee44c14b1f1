import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Agent, type Dispatcher, request } from 'undici';
import graphMailIn from '../../adapters/graph/graph-mail-in.ts';
import graphMailOut from '../../adapters/graph/graph-mail-out.ts';
import { background } from '../../src/error/background.ts';
import { graphLab, HUB, WARD } from '../../test/support/graph-lab.ts';
import { mailWith } from '../../test/support/mailbox.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, sender, Taken, taking, timed } from './subject.ts';

const BODY = Buffer.from(message(1).bytes);
/** As many requests of an application at one mailbox as Outlook carries out at once. */
const AT_ONCE = 4;
const MARK = 'String {6d1c9d3e-6f0c-4c0e-9a52-3b6f1c1f7a10} Name WaybillMessage';

interface Told {
  readonly url: string;
  readonly trust: string;
  readonly token: string;
}

/**
 * Mails of Exchange Online, imitated in another process, beside undici with a token that is held, as MSAL holds it: each
 * written as a marked draft and sent, or read, stored and moved.
 */
export async function graphSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const peer = fork(fileURLToPath(import.meta.url), ['--peer']);
  undo.defer(() => void peer.kill());
  const [{ url, trust, token }] = (await once(peer, 'message')) as [Told];
  const prepare = async (mails: number): Promise<void> => {
    peer.send(mails);
    await once(peer, 'message');
  };
  const credential = { kind: 'oauth2', token: () => Promise.resolve(token) } as const;
  const given = { url, tls: { trust }, credential: 'graph', mailbox: HUB };
  const letter = { to: WARD, subject: 'Result' };
  const out = await sender(graphMailOut, { ...given, ...letter }, credential);
  undo.defer(() => out.close());
  const dispatcher = new Agent({
    connections: AT_ONCE,
    connect: { ca: await readFile(trust, 'utf8') },
  });
  undo.defer(() => dispatcher.destroy());
  const bare = new Bare(`${url}/users/${HUB}`, token, dispatcher);
  const where = { ...given, take: 'mail', every: '1s' };
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'graph-mail-out',
        prepare: () => prepare(0),
        bare: (messages) => timed(messages, (n) => bare.send(n), AT_ONCE),
        adapter: (messages) => timed(messages, () => out.send(BODY), AT_ONCE),
      },
      {
        what: 'graph-mail-in',
        prepare,
        bare: (messages) => bare.take(messages),
        adapter: (messages) => taking(graphMailIn, where, { credential, messages }),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What a user of undici writes: each request in time, its answer checked and read. */
class Bare {
  readonly #base: string;
  readonly #token: string;
  readonly #dispatcher: Dispatcher;

  constructor(base: string, token: string, dispatcher: Dispatcher) {
    this.#base = base;
    this.#token = token;
    this.#dispatcher = dispatcher;
  }

  async send(n: number): Promise<void> {
    const { id } = (await this.#json('POST', '/messages', {
      subject: 'Result',
      body: { contentType: 'text', content: '' },
      from: recipient(HUB),
      toRecipients: [recipient(WARD)],
      internetMessageId: `<bare.${n}@hospital.example>`,
      attachments: [
        {
          '@odata.type': '#microsoft.graph.fileAttachment',
          name: `${n}.hl7`,
          contentType: 'x-application/hl7-v2+er7',
          contentBytes: BODY.toString('base64'),
        },
      ],
      // by which a repetition would find it
      singleValueExtendedProperties: [{ id: MARK, value: `bare/${n}` }],
    })) as { id: string };
    await this.#ask('POST', `/messages/${id}/send`);
  }

  /** The oldest first, each moved once it is stored. */
  async take(messages: number): Promise<Spent> {
    const archive = await this.#archive();
    const taken = new Taken(messages);
    for (const { id, subject } of (await this.#listed()).toReversed()) {
      const body = await this.#ask('GET', `/messages/${id}/$value`);
      taken.one();
      await kept({ body, name: subject });
      await this.#ask('POST', `/messages/${id}/move`, { destinationId: archive });
    }
    return await taken.spent;
  }

  async #listed(): Promise<{ id: string; subject: string }[]> {
    const found: { id: string; subject: string }[] = [];
    const first =
      '/mailFolders/inbox/messages/delta?$select=subject,receivedDateTime&$orderby=receivedDateTime%20desc&changeType=created';
    for (let at: string | undefined = first; at !== undefined; ) {
      const page = (await this.#json('GET', at)) as Record<string, unknown>;
      found.push(...(page['value'] as typeof found));
      at = page['@odata.nextLink'] as string | undefined;
    }
    return found;
  }

  async #archive(): Promise<string> {
    const known = (await this.#json('GET', '/mailFolders?$top=100')) as { value: Json[] };
    const named = known.value.find((one) => one['displayName'] === 'Waybill');
    const folder = named ?? (await this.#json('POST', '/mailFolders', { displayName: 'Waybill' }));
    return String((folder as Json)['id']);
  }

  async #json(method: Dispatcher.HttpMethod, path: string, json?: object): Promise<unknown> {
    return JSON.parse((await this.#ask(method, path, json)).toString());
  }

  async #ask(method: Dispatcher.HttpMethod, path: string, json?: object): Promise<Buffer> {
    const answer = await request(path.startsWith('/') ? this.#base + path : path, {
      method,
      dispatcher: this.#dispatcher,
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
      headers: {
        authorization: `Bearer ${this.#token}`,
        prefer: 'IdType="ImmutableId", odata.maxpagesize=50',
        'client-request-id': randomUUID(),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const body = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${body.toString()}`);
    return body;
  }
}

type Json = Record<string, unknown>;

const recipient = (address: string): object => ({ emailAddress: { address } });

/** The peer: for each number the mailboxes are emptied, and so many mails received. */
async function serve(): Promise<void> {
  const lab = await graphLab({ roles: ['Mail.Send', 'Mail.ReadWrite'] });
  const token = await lab.credential.token(new AbortController().signal);
  const mail = await mailWith({ attachments: [{ filename: 'a.hl7', content: BODY }] });
  const fill = async (mails: number): Promise<void> => {
    for (const address of [HUB, WARD]) {
      const box = lab.graph.mailbox(address);
      for (const one of box.messages()) box.remove(one);
    }
    for (let n = 0; n < mails; n++) await lab.graph.receive(HUB, mail);
    process.send?.('filled');
  };
  process.on('message', (mails: number) => background(fill(mails), 'receiving mails'));
  process.send?.({ url: lab.graph.url, trust: lab.trust, token } satisfies Told);
}

if (process.argv[2] === '--peer') await serve();
