import { describe, expect, test, vi } from 'vitest';
import smtpOut from '../../../adapters/smtp/smtp-out.ts';
import type { Body } from '../../../src/adapter/index.ts';
import { type BareSmtp, bareSmtp } from '../../support/bare-smtp.ts';
import { certificates } from '../../support/certificates.ts';
import { cuttingProxy, type Direction } from '../../support/cutting-proxy.ts';
import { type OpenOptions, openOutbound } from '../../support/open-adapter.ts';
import { type SmtpPeer, smtpPeer } from '../../support/smtp-peer.ts';

const BODY = Buffer.from(
  `MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rNTE|1||${'x'.repeat(300)}\r`,
);

const given = (port: number, more: Record<string, unknown> = {}) => ({
  connect: `localhost:${port}`,
  security: 'none',
  from: 'hub@hospital.example',
  to: ['a@ward.example', 'b@ward.example'],
  connectTimeout: '2s',
  ...more,
});

const idOf = (raw: Buffer): string => /^Message-ID: (.*)\r$/m.exec(raw.toString())?.[1] ?? '';

/** What became of one try, as the engine sees it. */
async function attempt(settings: Record<string, unknown>, id: number): Promise<Error | undefined> {
  try {
    await using opened = await openOutbound(smtpOut, settings);
    await opened.send(BODY, { id });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Every line's begin and end, and a byte to each side. */
function edges(passed: Buffer): number[] {
  const found = new Set<number>([0, 1]);
  for (let at = passed.indexOf('\r\n'); at >= 0; at = passed.indexOf('\r\n', at + 2)) {
    for (const edge of [at - 1, at, at + 1, at + 2, at + 3]) found.add(edge);
  }
  return [...found].filter((edge) => edge >= 0 && edge < passed.length);
}

/** What a message that was tried over a broken connection and then again came to. */
interface Course {
  readonly error: Error | undefined;
  /** Copies at the peer after the first try, and after the second. */
  readonly first: number;
  readonly second: number;
  /** How many of the copies differ. */
  readonly different: number;
}

async function course(peer: BareSmtp, port: number, id: number): Promise<Course> {
  const copies = () => peer.mails.filter((raw) => idOf(raw).includes(`.${id}@`));
  const error = await attempt(given(port), id);
  await peer.settled();
  const first = copies().length;
  const again = error === undefined ? undefined : await attempt(given(port), id);
  if (again !== undefined) throw again;
  return {
    error,
    first,
    second: copies().length,
    different: new Set(copies().map(String)).size,
  };
}

const isDoubtful = ({ error }: Course): boolean =>
  error !== undefined && /It may have been delivered/.test(error.message);

async function signInOutcome(
  settings: Record<string, unknown>,
  options: OpenOptions,
): Promise<string> {
  try {
    await using opened = await openOutbound(smtpOut, settings, options);
    const refused = opened.events.find(({ level }) => level === 'error');
    return refused?.text ?? 'signed in';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a connection that breaks', () => {
  test.for<Direction>(['toServer', 'toClient'])(
    'at any step %s loses no mail, and repeats one only where it says so',
    async (direction) => {
      await using peer = await bareSmtp();
      await using recorded = await cuttingProxy(peer.port);
      expect(await attempt(given(recorded.port), 1)).toBeUndefined();
      await using proxy = await cuttingProxy(peer.port);
      const courses: Course[] = [];
      for (const [id, after] of edges(recorded.passed(direction)).entries()) {
        proxy.cutNext(direction, after);
        courses.push(await course(peer, proxy.port, 100 + id));
      }
      expect(courses.length).toBeGreaterThan(20);
      expect(courses.filter(({ error }) => error !== undefined).length).toBeGreaterThan(20);
      for (const one of courses) {
        const { error, first, second, different } = one;
        const code = isDoubtful(one) ? 'ADAPTER_TEMPORARY' : 'ADAPTER_NOT_CONNECTED';
        expect((error as { code?: string } | undefined)?.code ?? code).toBe(code);
        expect(different, 'all copies are the same mail').toBe(1);
        expect(second, 'sent again once if it failed').toBe(error === undefined ? 1 : first + 1);
        expect(first === 0 || error === undefined || isDoubtful(one), String(error)).toBe(true);
      }
      const repeated = courses.filter(({ second }) => second > 1);
      expect(repeated.length > 0, 'cuts in the confirmation').toBe(direction === 'toClient');
    },
  );

  test('while signing in over TLS is never taken for a refused sign-in', async () => {
    await using files = await certificates();
    await using peer = await smtpPeer({
      security: 'starttls',
      certificate: files.server,
      users: { hub: 'pw' },
    });
    const credentials = { hub: { kind: 'basic', user: 'hub', password: 'pw' } } as const;
    await using proxy = await cuttingProxy(peer.port);
    const settings = given(proxy.port, {
      security: 'starttls',
      tls: { trust: files.trust },
      credential: 'hub',
    });
    const outcomes: string[] = [];
    for (const direction of ['toServer', 'toClient'] as const) {
      for (let after = 0; after < 3_600; after += 240) {
        proxy.cutNext(direction, after);
        outcomes.push(await signInOutcome(settings, { credentials }));
      }
    }
    expect(new Set(outcomes)).toEqual(new Set(['ADAPTER_NOT_CONNECTED', 'signed in']));
  });

  test('while it waits for a mail is replaced without the message noticing', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using opened = await openOutbound(smtpOut, given(peer.port));
    await opened.send(BODY, { id: 1 });
    peer.cutAll();
    await opened.send(BODY, { id: 2 });
    await vi.waitFor(() => expect(peer.connections).toBe(2));
    expect(peer.mails).toHaveLength(2);
  });

  test('under a waiting connection whose end has not arrived yet is replaced as well', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    await using opened = await openOutbound(smtpOut, given(proxy.port));
    await opened.send(BODY, { id: 1 });
    proxy.cutAll();
    const sending = opened.send(BODY, { id: 2 });
    await sending;
    expect(peer.mails).toHaveLength(2);
  });

  test.for(['is cut', 'is ended with a 421'])(
    'that %s as the next mail begins is replaced as well',
    async (how) => {
      const used = new Set<string>();
      await using peer: SmtpPeer = await smtpPeer({
        security: 'none',
        more: {
          onMailFrom(_address, { id }, done) {
            const isFirst = !used.has(id);
            used.add(id);
            if (isFirst) done();
            else if (how === 'is cut') peer.cutAll();
            else done(Object.assign(new Error('4.4.2 idle for too long'), { responseCode: 421 }));
          },
        },
      });
      await using opened = await openOutbound(smtpOut, given(peer.port));
      await opened.send(BODY, { id: 1 });
      await opened.send(BODY, { id: 2 });
      expect(peer.connections).toBe(2);
      expect(peer.mails).toHaveLength(2);
    },
  );

  test('after the last dot counts as a try, so that a mail that breaks the server does not go on for ever', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    await using opened = await openOutbound(smtpOut, given(proxy.port));
    await opened.send(BODY, { id: 1 });
    peer.hold();
    const sending = opened.send(BODY, { id: 2 });
    await vi.waitFor(() =>
      expect(
        proxy
          .passed('toServer')
          .toString()
          .match(/\r\n\.\r\n/g),
      ).toHaveLength(2),
    );
    proxy.cutAll();
    await expect(sending).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(
        /may have been delivered; it is sent again with the same Message-ID/,
      ),
    });
  });
});

describe('a server that hangs', () => {
  test('is given up after the time it may be silent', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    await using opened = await openOutbound(smtpOut, given(proxy.port, { timeout: '1s' }));
    proxy.freeze();
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/stopped answering/),
    });
  });

  test('is not greeted for ever either', async () => {
    await using peer = await smtpPeer({ security: 'none' });
    await using proxy = await cuttingProxy(peer.port);
    proxy.freeze();
    await expect(
      openOutbound(smtpOut, given(proxy.port, { connectTimeout: '200ms' })),
    ).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
  });
});

describe('a server that refuses', () => {
  test.for([
    { answer: 451, code: 'ADAPTER_TEMPORARY' },
    { answer: 552, code: 'ADAPTER_REJECTED' },
    { answer: 554, code: 'ADAPTER_REJECTED' },
  ])(
    'the content with $answer is $code, and the connection serves the next',
    async ({ answer, code }) => {
      await using peer = await smtpPeer({ security: 'none' });
      await using opened = await openOutbound(smtpOut, given(peer.port));
      peer.answerData = answer;
      await expect(opened.send(BODY)).rejects.toMatchObject({ code });
      peer.answerData = undefined;
      await opened.send(BODY);
      expect(peer.connections).toBe(1);
    },
  );

  test.for([
    { answer: 421, code: 'ADAPTER_NOT_CONNECTED' },
    { answer: 450, code: 'ADAPTER_TEMPORARY' },
    { answer: 530, code: 'ADAPTER_DISABLED' },
    { answer: 550, code: 'ADAPTER_REJECTED' },
  ])('the sender with $answer is $code', async ({ answer, code }) => {
    await using peer = await smtpPeer({
      security: 'none',
      more: {
        onMailFrom: (_address, _session, done) =>
          done(Object.assign(new Error('no'), { responseCode: answer })),
      },
    });
    await using opened = await openOutbound(smtpOut, given(peer.port));
    await expect(opened.send(BODY)).rejects.toMatchObject({ code });
  });

  test.for([421, 554])('the connection with %s is tried again', async (answer) => {
    await using peer = await smtpPeer({
      security: 'none',
      more: {
        onConnect: (_session, done) =>
          done(Object.assign(new Error('no'), { responseCode: answer })),
      },
    });
    await expect(openOutbound(smtpOut, given(peer.port))).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining(String(answer)),
    });
  });

  test('mails of a size is not sent a larger one at all', async () => {
    await using peer = await smtpPeer({ security: 'none', more: { size: 500 } });
    await using proxy = await cuttingProxy(peer.port);
    await using opened = await openOutbound(smtpOut, given(proxy.port));
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringMatching(/^The mail has \d+ B, but .* accepts only 500 B\./),
    });
    expect(proxy.passed('toServer').toString()).not.toContain('MAIL FROM');
  });
});

test('a body that breaks off in the store is delivered to nobody, not even in part', async () => {
  await using peer = await smtpPeer({ security: 'none' });
  await using opened = await openOutbound(smtpOut, given(peer.port));
  const broken: Body = {
    size: 200_000,
    inline: undefined,
    bytes: () => Promise.reject(new Error('not this way')),
    async *stream() {
      yield Buffer.alloc(100_000, 'x');
      throw new Error('the store is gone');
    },
  };
  await expect(opened.send(broken)).rejects.toThrow('the store is gone');
  await opened.send(BODY);
  expect(peer.mails).toHaveLength(1);
});
