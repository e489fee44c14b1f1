import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import graphMailOut from '../../../adapters/graph/graph-mail-out.ts';
import type { Fault } from '../../../sandbox/faults.ts';
import {
  type GraphLab,
  type GraphLabOptions,
  graphLab,
  HUB,
  WARD,
} from '../../support/graph-lab.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { arrived, asked, openSending } from '../../support/open-graph.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\r');

const answering = (status: number, code: string, retryAfter?: number): Fault => ({
  kind: 'answer',
  status,
  body: { error: { code, message: `about ${WARD}` } },
  ...(retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } }),
});

const steps = (lab: GraphLab, more: Record<string, unknown> = {}) =>
  testSteps(
    graphMailOut,
    { ...lab.given, to: WARD, ...more },
    { credentials: { graph: lab.credential } },
  );

describe('a refusal stops the operation where every mail would meet it', () => {
  test.for<{
    name: string;
    options?: GraphLabOptions;
    given?: Record<string, unknown>;
    before?: (lab: GraphLab) => void;
    says: RegExp;
  }>([
    {
      name: 'a permission is missing',
      options: { roles: ['Mail.Send'] },
      says: /403 ErrorAccessDenied: the application is not allowed to do this in hub@.*Grant it the application permission Mail\.ReadWrite and Mail\.Send/,
    },
    {
      name: 'there is no permission at all',
      options: { roles: [] },
      says: /401 NoPermissionsInAccessToken: the token has no permissions at all\. Grant the application Mail\..* as an application permission/,
    },
    {
      name: 'a tenant without Exchange Online',
      before: ({ graph }) => graph.deny(HUB, 'unknown'),
      says: /401 UnknownError: Graph accepted the token, but Exchange Online behind it did not\. .*no licence/,
    },
    {
      name: 'the mailbox is outside the scope',
      before: ({ graph }) => graph.deny(HUB, 'scope'),
      says: /include the mailbox in its scope \(RBAC for Applications/,
    },
    {
      name: 'the mailbox is not in Exchange Online',
      before: ({ graph }) => graph.deny(HUB, 'inactive'),
      says: /404 MailboxNotEnabledForRESTAPI: hub@hospital\.example is not in Exchange Online/,
    },
    {
      name: 'there is no such mailbox',
      given: { mailbox: 'nobody@hospital.example' },
      says: /404 ErrorInvalidUser: there is no mailbox nobody@hospital\.example in this tenant/,
    },
    {
      name: 'the token is for something else',
      options: { resource: 'https://outlook.office365.com' },
      says: /401 InvalidAuthenticationToken: the token is refused, and so is a fresh one\. Check the scope/,
    },
    {
      name: 'it may not send as the sender of every mail',
      given: { from: 'boss@hospital.example' },
      says: /403 ErrorSendAsDenied: hub@hospital\.example is not allowed to send as the address under from/,
    },
  ])('$name', async ({ options, given, before, says }) => {
    await using lab = await graphLab(options);
    before?.(lab);
    await using opened = await openSending(lab, given);
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(says),
      detail: expect.any(String),
    });
    expect(arrived(lab)).toEqual([]);
  });
});

describe('a refusal of one mail', () => {
  test('as whose sender the mailbox may not send keeps it for a person', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab, { from: '{name}@hospital.example' });
    await expect(opened.send(BODY, { name: 'boss' })).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
    });
    await opened.send(BODY, { name: 'hub', id: 2 });
    expect(arrived(lab)).toHaveLength(1);
  });

  test.for([
    { fault: answering(400, 'ErrorInvalidRecipients'), says: /a recipient is not a valid address/ },
    {
      fault: answering(413, 'ErrorMessageSizeExceeded'),
      says: /larger than the mailbox is allowed to send/,
    },
    { fault: answering(400, 'ErrorSomethingNew'), says: /See its text in the trace/ },
  ])('fails it: $fault.body.error.code', async ({ fault, says }) => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/send$/).next(fault);
    const error: unknown = await opened.send(BODY).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ADAPTER_REJECTED', message: expect.stringMatching(says) });
    expect((error as Error).message).not.toContain(WARD);
    expect((error as { detail?: string }).detail).toContain(`about ${WARD}`);
  });

  test('for its size comes from the mailbox', async () => {
    await using lab = await graphLab({ messageLimit: 1_000_000 });
    await using opened = await openSending(lab);
    await expect(opened.send(Buffer.alloc(1_100_000, 'x'))).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringMatching(/413 ErrorMessageSizeExceeded/),
    });
  });

  test.for<Fault>([
    answering(503, 'ErrorMailboxStoreUnavailable', 60),
    answering(500, 'InternalServerError'),
    answering(504, 'GatewayTimeout'),
    answering(507, 'ErrorQuotaExceeded'),
    { kind: 'page', status: 502 },
  ])('for now is tried again: %o', async (fault) => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/messages$/).next(fault);
    await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
    await opened.send(BODY);
    expect(arrived(lab)).toHaveLength(1);
  });
});

describe('throttling', () => {
  test('for a moment is waited out', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/send$/).next({ kind: 'throttle', retryAfter: 1 });
    const begin = performance.now();
    await opened.send(BODY);
    expect(performance.now() - begin).toBeGreaterThan(950);
    expect(asked(lab)).toEqual([
      'POST /messages',
      'POST /messages/*/send',
      'POST /messages/*/send',
    ]);
  });

  test('for longer tells the engine when to try again', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/messages$/).next({ kind: 'throttle', retryAfter: 120 });
    await expect(opened.send(BODY)).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      retryAfter: 120_000,
    });
  });
});

describe('a token', () => {
  test('that is refused is renewed once, in the middle of the work', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    await opened.send(BODY, { id: 1 });
    lab.entra.revoke();
    await opened.send(BODY, { id: 2 });
    expect(lab.credential.asked.filter(Boolean)).toHaveLength(1);
    expect(arrived(lab)).toHaveLength(2);
  });

  test('never crosses the network in clear text', async () => {
    await using lab = await graphLab();
    const url = lab.graph.url.replace('https:', 'http:');
    await expect(openSending(lab, { url })).rejects.toThrow(/url must begin with https/);
  });
});

describe('the connection test', () => {
  test('shows the token with its permissions and the mailbox, and sends nothing', async () => {
    await using lab = await graphLab();
    const found = await steps(lab);
    expect(found.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'TLS passed',
      'sign-in passed',
      'permission passed',
      'mailbox passed',
    ]);
    expect(found[3]?.detail).toMatch(
      /^token of application 7c1f7b2e-\S+ in tenant \S+ for https:\/\/graph\.microsoft\.com: Mail\.Send, Mail\.ReadWrite; good until 20/,
    );
    expect(lab.graph.mailbox(HUB).messages()).toEqual([]);
  });

  test('names a permission that the token lacks', async () => {
    await using lab = await graphLab({ roles: ['Mail.Send'] });
    expect((await steps(lab)).at(-1)).toMatchObject({
      name: 'permission',
      result: 'failed',
      cause: 'the token lacks Mail.ReadWrite',
      remedy: expect.stringMatching(/consent of an administrator/),
    });
    expect((await steps(lab, { sending: 'direct' })).at(-1)).toMatchObject({ result: 'passed' });
  });

  test('tells a token for another service from one that lacks a permission', async () => {
    await using lab = await graphLab({ resource: 'https://outlook.office365.com' });
    expect((await steps(lab)).at(-1)).toMatchObject({
      name: 'permission',
      result: 'failed',
      cause: 'the token is for https://outlook.office365.com, not for Microsoft Graph',
      remedy: expect.stringMatching(/^Set the scope of the credential to /),
    });
  });

  test('names a mailbox that is outside the scope', async () => {
    await using lab = await graphLab();
    lab.graph.deny(HUB, 'scope');
    expect((await steps(lab)).at(-1)).toMatchObject({
      name: 'mailbox',
      result: 'failed',
      cause: expect.stringMatching(
        /the application is not allowed to do this in hub@hospital\.example/,
      ),
      remedy: expect.stringMatching(/RBAC for Applications/),
    });
  });
});

test('everything goes through the proxy that is configured', async () => {
  await using lab = await graphLab();
  await using proxy = await connectProxy();
  await using opened = await openSending(lab, { proxy: `http://127.0.0.1:${proxy.port}` });
  await opened.send(BODY);
  expect(arrived(lab)).toHaveLength(1);
  expect(new Set(proxy.targets)).toEqual(new Set([new URL(lab.graph.url).host]));
});

/** A proxy that knows CONNECT and nothing else. */
async function connectProxy(): Promise<AsyncDisposable & { port: number; targets: string[] }> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.on('error', () => undefined));
    client.once('data', (head: Buffer) => {
      const [, target = ''] = /^CONNECT (\S+) /.exec(head.toString()) ?? [];
      targets.push(target);
      const peer = connect(Number(target.split(':').at(-1)), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(peer).pipe(client);
      });
      sockets.add(peer.on('error', () => undefined));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
