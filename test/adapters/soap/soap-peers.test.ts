import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import soapIn from '../../../adapters/soap/soap-in.ts';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { ntlmServer } from '../../support/ntlm-server.ts';
import {
  type OpenedInbound,
  openInbound,
  openOutbound,
  testSteps,
} from '../../support/open-adapter.ts';
import { filesIn, ordersWsdl } from '../../support/soap-files.ts';
import { calledByZeep, hasModule, soapService } from '../../support/soap-service.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const XML = { type: 'application/xml' };
const order = (name: string): Buffer =>
  Buffer.from(`<o:PlaceOrder xmlns:o="urn:lab"><o:test>${name}</o:test></o:PlaceOrder>`);

describe.skipIf(!hasModule('spyne'))('a service of spyne', () => {
  test.for([
    ['1.1', 'Client.UnknownTest', 'Server'],
    ['1.2', 'Sender.UnknownTest', 'Receiver'],
  ] as const)('is called in SOAP %s by its own WSDL', async ([version, blamed, later]) => {
    await using service = await soapService(version);
    await using folder = await temporaryFolder('spyne');
    const wsdl = await fetch(`${service.url}?wsdl`);
    await writeFile(join(folder.path, 'lab.wsdl'), await wsdl.text());
    const [given, options] = [{ wsdl: 'lab.wsdl' }, { folder: folder.path }];
    await using opened = await openOutbound(soapOut, given, options);
    const sent = (name: string): ReturnType<typeof opened.send> => opened.send(order(name), XML);
    const reply = await sent('GLU');
    expect(reply).toMatchObject({ code: '200', type: 'application/xml' });
    expect(Buffer.from(reply?.body ?? []).toString()).toContain('>R-GLU<');
    expect(await sent('unknown')).toMatchObject({
      code: blamed,
      text: `${blamed}: there is no such test\nallowed: GLU`,
    });
    expect(await sent('busy')).toMatchObject({ code: later, text: `${later}: come back later` });
    expect(await sent('broken')).toMatchObject({ code: later });
    const report = Buffer.alloc(5_000, 7).toString('base64');
    const large = `<o:PlaceOrder xmlns:o="urn:lab"><o:test>A</o:test><o:report>${report}</o:report></o:PlaceOrder>`;
    for (const attachments of ['none', 'mtom']) {
      await using out = await openOutbound(soapOut, { ...given, attachments }, options);
      const answer = await out.send(Buffer.from(large), XML);
      expect(Buffer.from(answer?.body ?? []).toString()).toContain('>5000<');
    }
    const steps = await testSteps(soapOut, given, options);
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toContain('operations passed');
    expect(steps.filter(({ result }) => result === 'failed')).toEqual([]);
  });
});

test('a service behind NTLM is called over one connection, and its refusal is told', async () => {
  await using server = await ntlmServer('right');
  const { user, domain } = server.account;
  const given = { url: server.url, credential: 'windows' };
  const opened = async (password: string): ReturnType<typeof openOutbound> =>
    openOutbound(soapOut, given, {
      credentials: { windows: { kind: 'ntlm', user, domain, password } },
    });
  await using right = await opened('right');
  // the far side answers with the name of the account, which is no SOAP
  expect(await right.send(order('GLU'), XML)).toMatchObject({ code: 'NotSOAP' });
  expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(1);
  expect(server.requests.at(-1)?.body.toString()).toContain('GLU');
  await using wrong = await opened('wrong');
  expect(await wrong.send(order('GLU'), XML)).toMatchObject({ code: '401' });
});

describe.skipIf(!hasModule('zeep'))('a caller by zeep', () => {
  const files = ordersWsdl();
  const serving = async (
    given: Readonly<Record<string, unknown>>,
    version: '1.1' | '1.2' = '1.1',
  ): Promise<{ url: string; opened: OpenedInbound } & AsyncDisposable> => {
    const folder = await filesIn(version === '1.1' ? files : ordersWsdl({ version }));
    const opened = await openInbound(
      soapIn,
      { listen: '127.0.0.1:0', path: '/orders', wsdl: 'orders.wsdl', answer: 'target', ...given },
      {
        folder: folder.path,
        credentials: { lab: { kind: 'basic', user: 'lab', password: 'pass' } },
      },
    );
    const receipt = Buffer.from('<Receipt xmlns="urn:lab"><number>R-7</number></Receipt>');
    opened.answer(() => ({ reply: { body: receipt, type: 'application/xml', code: '200' } }));
    const [, port] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
    return {
      url: `http://127.0.0.1:${port}/orders?wsdl`,
      opened,
      async [Symbol.asyncDispose]() {
        await opened.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  };
  const called = { operation: 'PlaceOrder', arguments: { test: 'GLU' } };

  test.for(['1.1', '1.2'] as const)(
    'reads the WSDL and its schema from us and calls in SOAP %s',
    async (version) => {
      await using line = await serving({}, version);
      const [answered] = await calledByZeep(line.url, { ...called, addressing: true });
      expect(answered).toEqual({ answer: 'R-7' });
      expect(String(line.opened.delivered[0]?.body)).toContain('GLU');
    },
  );

  test('is told a fault of ours with its code', async () => {
    await using line = await serving({}, '1.2');
    line.opened.refuse();
    const [answered] = await calledByZeep(line.url, called);
    expect(answered).toMatchObject({ fault: 'soap:Receiver' });
  });

  test.for([true, false])('signs in with a user name token, digest: %s', async (digest) => {
    await using line = await serving({ security: { users: ['lab'] }, describe: 'everybody' });
    const [right] = await calledByZeep(line.url, {
      ...called,
      user: 'lab',
      password: 'pass',
      digest,
    });
    expect(right).toEqual({ answer: 'R-7' });
    expect(line.opened.delivered[0]?.origin).toMatch(/ lab$/);
    const [wrong] = await calledByZeep(line.url, {
      ...called,
      user: 'lab',
      password: 'guess',
      digest,
    });
    expect(wrong).toMatchObject({
      fault: 'code:FailedAuthentication',
      reason: 'Not accepted: user or password is wrong.',
    });
  });
});
