import { join } from 'node:path';
import { request } from 'undici';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { readProduction } from '../../src/definition/read.ts';
import { documentOf } from '../../src/document/index.ts';
import { mllpSender } from '../support/mllp-sender.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { SOAP_12, soapAnswer } from '../support/soap-envelope.ts';
import { webServer } from '../support/web-server.ts';
import { WSSE } from '../support/xmlsec.ts';

const FOLDER = join(import.meta.dirname, '../../productions/document-sharing');
const XML = { type: 'application/xml' };
const PDF = Buffer.from('%PDF-1.4\n%%EOF\n');

const registryAnswer = (status: string, errors = ''): ReturnType<typeof soapAnswer> =>
  soapAnswer(
    `<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:${status}">${errors}</rs:RegistryResponse>`,
    { version: '1.2' },
  );

test('a report and a department’s document reach the region’s repository, and its refusal is told', async () => {
  await using repository = await webServer(() => registryAnswer('Success'));
  await using nats = await startNats();
  const [reports, radiology] = [await freePort(), await freePort()];
  const adapters = await allAdapters();
  const environment = {
    REPORTS_IN: `127.0.0.1:${reports}`,
    RADIOLOGY_IN: `127.0.0.1:${radiology}`,
    RADIOLOGY_PASSWORD: 'right',
    REPOSITORY: `${repository.url}/repository`,
  };
  const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  await using _ = await run(nats, definition);
  const hl7 = `MSH|^~\\&|PATH|H|WB|H|20260101120000||MDM^T02^MDM_T02|R-1|P|2.5.1\rPID|1||4711^^^H^MR\rOBX|1|ED|1^Study||^application^pdf^Base64^${PDF.toString('base64')}||||||F\r`;
  await using sender = await mllpSender(reports);
  sender.send(hl7);
  await sender.answered(1);
  expect(sender.codes()).toEqual(['AA|R-1']);
  await vi.waitFor(() => expect(repository.requests).toHaveLength(1), 10_000);
  const [first] = repository.requests;
  expect(first?.headers['content-type']).toContain(
    'action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"',
  );
  expect(first?.body.includes(PDF)).toBe(true);
  repository.answer(() =>
    registryAnswer(
      'Failure',
      '<rs:RegistryErrorList><rs:RegistryError codeContext="unknown patient" errorCode="XDSUnknownPatientId"/></rs:RegistryErrorList>',
    ),
  );
  const own = `<x:ProvideAndRegisterDocumentSetRequest xmlns:x="urn:ihe:iti:xds-b:2007"><x:Document id="d">${PDF.toString('base64')}</x:Document></x:ProvideAndRegisterDocumentSetRequest>`;
  const call = (password: string): ReturnType<typeof request> =>
    request(`http://127.0.0.1:${radiology}/repository`, {
      method: 'POST',
      headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
      body: `<S:Envelope xmlns:S="${SOAP_12}"><S:Header><w:Security xmlns:w="${WSSE}"><w:UsernameToken><w:Username>radiology</w:Username><w:Password>${password}</w:Password></w:UsernameToken></w:Security></S:Header><S:Body>${own}</S:Body></S:Envelope>`,
    });
  const stranger = await call('wrong');
  expect(stranger.statusCode).toBe(400);
  expect(await stranger.body.text()).toContain('FailedAuthentication');
  const told = await call('right');
  const answer = documentOf(Buffer.from(await told.body.text()), XML);
  expect(answer.get('//RegistryError/@codeContext')).toBe('unknown patient');
  expect(repository.requests).toHaveLength(2);
  expect(repository.requests[1]?.body.includes(PDF)).toBe(true);
});
