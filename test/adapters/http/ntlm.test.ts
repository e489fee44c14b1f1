import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { openOutbound } from '../../support/open-adapter.ts';

const UNICODE = 0x1;
const ANONYMOUS = 0x800;
const NTLM2 = 0x80000;
const INFO = 0x800000;

interface Challenge {
  readonly flags?: number;
  /** How many bytes it says about its server, and how many it claims to say. */
  readonly info?: number;
  readonly claimed?: number;
}

function challenge(of: Challenge = {}): string {
  const { flags = UNICODE | NTLM2 | INFO, info = 8, claimed = info } = of;
  const head = Buffer.alloc(48);
  head.write('NTLMSSP\0', 'ascii');
  head.writeUInt32LE(2, 8);
  head.writeUInt32LE(flags, 20);
  head.writeUInt16LE(claimed, 40);
  head.writeUInt32LE(head.length, 44);
  return `NTLM ${Buffer.concat([head, Buffer.alloc(info)]).toString('base64')}`;
}

interface Hostile {
  readonly what: string;
  readonly status?: number;
  readonly header?: string;
  readonly closes?: boolean;
  /** What the operation makes of it. */
  readonly ends: RegExp;
  /** Whether the proof is sent; otherwise the server learns nothing. */
  readonly proves?: boolean;
}

const OFF = 'ADAPTER_DISABLED';

const cases: readonly Hostile[] = [
  { what: 'garbage', header: 'NTLM AAAA', ends: RegExp(`${OFF} .*cannot be read`) },
  { what: 'no base64', header: 'NTLM !!', ends: RegExp(`${OFF} .*offers no NTLM`) },
  {
    what: 'NTLMv1',
    header: challenge({ flags: UNICODE | INFO }),
    ends: RegExp(`${OFF} .*NTLMv1, which reveals passwords`),
  },
  {
    what: 'a length that lies',
    header: challenge({ claimed: 60_000 }),
    ends: RegExp(`${OFF} .*cannot be read`),
  },
  {
    what: 'a challenge that is too long',
    header: challenge({ info: 900 }),
    ends: RegExp(`${OFF} .*is too long: it says 900 bytes`),
  },
  { what: 'a server that starts', status: 503, ends: /ADAPTER_TEMPORARY .*answered 503 instead/ },
  { what: 'no sign-in at all', status: 200, ends: RegExp(`${OFF} .*answered 200 instead`) },
  {
    what: 'nothing about itself',
    header: challenge({ flags: UNICODE | NTLM2 }),
    ends: /^401$/,
    proves: true,
  },
  {
    what: 'an empty list about itself',
    header: challenge({ info: 0 }),
    ends: /^401$/,
    proves: true,
  },
  {
    what: 'a sign-in as nobody',
    header: challenge({ flags: UNICODE | NTLM2 | INFO | ANONYMOUS }),
    ends: /^401$/,
    proves: true,
  },
  { what: 'the same challenge again and again', header: challenge(), ends: /^401$/, proves: true },
  {
    what: 'a connection that is closed',
    header: challenge(),
    closes: true,
    ends: /ADAPTER_TEMPORARY .*closes its connections between the two steps/,
    proves: true,
  },
];

test.for(cases)('NTLM: $what', async ({ status = 401, header, closes, ends, proves = false }) => {
  const messages: Buffer[] = [];
  const server = createServer((request, response) => {
    const [, text = ''] = /^NTLM (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    messages.push(Buffer.from(text, 'base64'));
    request.resume();
    if (header !== undefined) response.setHeader('www-authenticate', header);
    if (closes === true) response.setHeader('connection', 'close');
    response.writeHead(status).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = { account: { kind: 'ntlm', user: 'müller', password: 'secret' } } as const;
  const settings = { url: `http://127.0.0.1:${port}/in`, credential: 'account' };
  try {
    await using opened = await openOutbound(httpOut, settings, { credentials });
    const end = await opened.send(Buffer.from('x')).then(
      (reply) => reply?.code,
      (error: Error & { code?: string }) => `${error.code} ${error.message}`,
    );
    expect(end).toMatch(ends);
    const [offer, proof] = messages;
    expect(messages.map((one) => one.readUInt32LE(8))).toEqual(proves ? [1, 3] : [1]);
    expect((offer?.readUInt32LE(12) ?? 0) & UNICODE).toBe(UNICODE);
    if (proof === undefined) return;
    expect(proof.includes(Buffer.from('müller', 'utf16le'))).toBe(true);
    expect(proof.readUInt32LE(60) & ANONYMOUS).toBe(0);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
