import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeRequest } from '../../../adapters/print/ipp.ts';
import printOut from '../../../adapters/print/print-out.ts';
import { printSettings } from '../../../adapters/print/print-settings.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { type Cups, cups, noCups, type Queue } from '../../support/cups.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { openOutbound, readGiven, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { webServer } from '../../support/web-server.ts';

const PDF = Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');
const AS_PDF = { type: 'application/pdf' };

describe.skipIf(noCups !== undefined)('print-out against CUPS', () => {
  let server: Cups;
  let files: Certificates;
  let queues = 0;
  beforeAll(async () => {
    files = await certificates();
    server = await cups(files.server);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  });
  const fresh = (): Promise<Queue> => server.queue(`q${++queues}`);
  const at = ({ path }: Queue, port = server.port) => ({ url: `ipp://127.0.0.1:${port}${path}` });

  async function peer(): Promise<OutboundPeer> {
    const queue = await fresh();
    const gate = await tcpGate(server.port);
    return {
      given: at(queue, gate.port),
      received: () => queue.printed(),
      hold: () => queue.mark('hold'),
      release: () => queue.mark(undefined),
      refuse: () => queue.admin('cupsreject'),
      breakDown: () => gate.shut(),
      repair: () => gate.open(),
      async [Symbol.asyncDispose]() {
        await queue.mark(undefined);
        await gate[Symbol.asyncDispose]();
      },
    };
  }
  describeOutbound(printOut, {
    peer,
    refusals: { temporary: { code: 'E0506' } },
    gaps: { final: 'a document that CUPS does not take: below' },
  });

  test('prints over TLS with its paper, names the job without the body, and says what it became', async () => {
    const queue = await fresh();
    await using opened = await openOutbound(printOut, {
      url: `ipps://localhost:${server.securePort}${queue.path}`,
      tls: { trust: files.trust },
      copies: 2,
      sides: 'two-sided-long-edge',
      media: 'iso_a4_210x297mm',
      name: 'Letter of {source}',
    });
    const reply = await opened.send(PDF, { ...AS_PDF, id: 77 });
    expect(reply).toMatchObject({ code: 'COMPLETED', text: expect.stringMatching(/^job \d+/) });
    expect(await queue.printed()).toEqual([Buffer.concat([PDF, PDF])]);
    expect(opened.peers[0]).toEqual({ name: 'localhost', subject: 'CN=localhost' });
  });

  test('tells a document that is not taken, an aborted and a cancelled job apart', async () => {
    const queue = await fresh();
    await using opened = await openOutbound(printOut, at(queue));
    expect(await opened.send(PDF, { type: 'application/x-nonsense' })).toMatchObject({
      code: 'E040A',
      text: expect.stringContaining('document format not supported (application/x-nonsense)'),
    });
    await queue.mark('fail');
    expect(await opened.send(PDF, AS_PDF)).toMatchObject({ code: 'ABORTED' });
    await queue.mark('hold');
    const sending = opened.send(PDF, { ...AS_PDF, id: 2 });
    await vi.waitFor(async () => expect(await queue.jobs()).toHaveLength(2));
    await queue.cancel();
    expect(await sending).toMatchObject({ code: 'CANCELED' });
    await queue.mark(undefined);
  });

  test('a printer that is stopped keeps the job, which is told and never printed twice', async () => {
    const queue = await fresh();
    await queue.admin('cupsdisable');
    const given = { ...at(queue), jobTimeout: '1s' };
    const steps = await testSteps(printOut, given);
    expect(steps.at(-1)).toMatchObject({ cause: expect.stringContaining('stopped (paused)') });
    await using opened = await openOutbound(printOut, given);
    const late = await opened.send(PDF, AS_PDF);
    expect(late).toMatchObject({ code: 'WAITING', text: expect.stringMatching(/^job \d+/) });
    await queue.admin('cupsenable');
    await using again = await openOutbound(printOut, { ...given, jobTimeout: '10s' });
    expect(await again.send(PDF, { ...AS_PDF, possibleDuplicate: true })).toMatchObject({
      code: 'COMPLETED',
    });
    expect(await queue.printed()).toHaveLength(1);
    await using quick = await openOutbound(printOut, { ...at(queue), follow: 'accepted' });
    expect(await quick.send(PDF, { ...AS_PDF, id: 3 })).toMatchObject({ code: 'ACCEPTED' });
  });

  test('a job whose answer was lost, twice, is found again and printed once', async () => {
    const queue = await fresh();
    await using proxy = await cuttingProxy(server.port);
    for (const id of [11, 12]) {
      await using opened = await openOutbound(printOut, at(queue, proxy.port));
      proxy.cutNextAt('toClient', 'job-uri');
      await expect(opened.send(PDF, { ...AS_PDF, id })).rejects.toMatchObject({ retryable: true });
      expect(await opened.send(PDF, { ...AS_PDF, id })).toMatchObject({ code: 'COMPLETED' });
    }
    expect(await queue.printed()).toHaveLength(2);
  });

  test('a job that ended while nobody looked is found again and printed once', async () => {
    const queue = await fresh();
    await using killed = await openOutbound(printOut, { ...at(queue), follow: 'accepted' });
    await killed.send(PDF, { ...AS_PDF, id: 21 });
    await vi.waitFor(async () => expect(await queue.printed()).toHaveLength(1));
    // by then CUPS has put its file away
    await sleep(2_000);
    await using next = await openOutbound(printOut, at(queue));
    const again = { ...AS_PDF, id: 21, possibleDuplicate: true };
    expect(await next.send(PDF, again)).toMatchObject({ code: 'COMPLETED' });
    expect(await queue.printed()).toHaveLength(1);
  });

  test('a printer that is away while it prints is asked again until the job has ended', async () => {
    const queue = await fresh();
    await using gate = await tcpGate(server.port);
    await using opened = await openOutbound(printOut, at(queue, gate.port));
    await queue.mark('hold');
    const sending = opened.send(PDF, AS_PDF);
    for (let round = 0; round < 2; round++) {
      await vi.waitFor(async () => expect(await queue.jobs()).toHaveLength(1));
      await gate.shut();
      await gate.open();
    }
    await queue.mark(undefined);
    expect(await sending).toMatchObject({ code: 'COMPLETED' });
    expect(await queue.printed()).toEqual([PDF]);
  });

  test('a document a thousand times larger, in pieces', async () => {
    const queue = await fresh();
    await using opened = await openOutbound(printOut, at(queue));
    const large = Buffer.concat([PDF, Buffer.alloc(20_000_000, '%')]);
    expect(await opened.send(streamedBody(large), AS_PDF)).toMatchObject({ code: 'COMPLETED' });
    const [printed] = await queue.printed();
    expect(printed?.equals(large)).toBe(true);
  });

  test('try names a queue that is not there, one that takes no jobs, and a format it does not take', async () => {
    const queue = await fresh();
    const missing = await testSteps(printOut, {
      url: `ipp://127.0.0.1:${server.port}/printers/no`,
    });
    expect(missing.at(-1)).toMatchObject({
      name: 'printer',
      cause: expect.stringContaining('no such printer or queue (not found)'),
    });
    const wrong = await testSteps(printOut, { ...at(queue), format: 'application/x-nonsense' });
    expect(wrong.at(-1)).toMatchObject({ cause: expect.stringContaining('does not take') });
    await queue.admin('cupsreject');
    const closed = await testSteps(printOut, at(queue));
    expect(closed.at(-1)).toMatchObject({ cause: expect.stringContaining('takes no jobs') });
  });
});

test('a refused sign-in stops the operation, and a web server is no printer', async () => {
  const credentials = { account: { kind: 'basic', user: 'hub', password: 'a secret' } } as const;
  await using web = await webServer(() => ({ status: 401 }));
  const url = `ipp://localhost:${web.port}/ipp/print`;
  await using opened = await openOutbound(
    printOut,
    { url, credential: 'account' },
    { credentials },
  );
  for (let n = 0; n < 2; n++) {
    const error: unknown = await opened.send(PDF).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ADAPTER_DISABLED' });
    expect((error as Error).message).not.toContain('a secret');
  }
  // accounts are locked after a few wrong passwords
  expect(web.requests).toHaveLength(1);
  web.answer(() => ({ body: 'It works!' }));
  await using page = await openOutbound(printOut, { url });
  await expect(page.send(PDF)).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringContaining('does not answer in IPP'),
  });
  for (const body of [
    Buffer.alloc(0),
    Buffer.of(1, 1, 0, 0, 0, 0, 0, 1, 0x21),
    Buffer.alloc(500, 0x44),
  ]) {
    web.answer(() => ({ body }));
    await expect(page.send(PDF)).rejects.toMatchObject({ code: 'ADAPTER_TEMPORARY' });
  }
  web.answer(() => ({ status: 426 }));
  await expect(page.send(PDF)).rejects.toThrow('Write ipps in url');
});

test('a request is encoded as RFC 8010 has it', () => {
  const request = encodeRequest({
    operation: 0x0002,
    id: 1,
    attributes: [{ name: 'printer-uri', syntax: 'uri', values: ['ipp://h/p'] }],
    job: [{ name: 'copies', syntax: 'integer', values: [20] }],
  });
  // the parts of its first example (appendix A.1)
  expect(request.subarray(0, 9).toString('hex')).toBe('010100020000000101');
  expect(request.toString('latin1')).toContain('\x47\0\x12attributes-charset\0\x05utf-8');
  expect(request.toString('latin1')).toContain('\x45\0\x0bprinter-uri\0\x09ipp://h/p');
  expect(request.toString('latin1')).toContain('\x02\x21\0\x06copies\0\x04\0\0\0\x14\x03');
});

test('an address of a printer is ipp or ipps, without a password', () => {
  expect(() => readGiven(printSettings, { url: 'http://h/' })).toThrow('such as ipps://');
  expect(() => readGiven(printSettings, { url: 'ipp://u:p@h/' })).toThrow('a credential');
});
