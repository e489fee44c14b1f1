import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import soapOut from '../../../adapters/soap/soap-out.ts';
import { ntlmServer } from '../../support/ntlm-server.ts';
import { openOutbound, testSteps } from '../../support/open-adapter.ts';
import { hasModule, soapService } from '../../support/soap-service.ts';
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
