import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { ackOf } from '../../support/mllp-peer.ts';
import type { Answered } from '../../support/obedient-store.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { webServer } from '../../support/web-server.ts';
import { service } from './calling.ts';

/** HL7 over HTTP as HAPI specifies it: a message is posted, its acknowledgement is the answer, MSA-1 makes the status. */

const run = promisify(execFile);
const ADT = 'MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|ID-7|P|2.5.1\rPID|1||4711\r';
const asked = { hl7Statuses: 'hl7-over-http' };

/** What curl hears: status, type and body. */
async function curl(url: string, ...args: readonly string[]): Promise<string[]> {
  const format = '%{http_code}\n%{content_type}\n';
  const type = 'Content-Type: application/hl7-v2; charset=ISO-8859-1';
  const { stdout } = await run('curl', [
    '-s',
    '-H',
    type,
    '--data-binary',
    ADT,
    '-w',
    `\n${format}`,
    ...args,
    url,
  ]);
  const [body = '', status = '', media = ''] = stdout.split('\n');
  return [status, media, /MSA\|[^\r]*/.exec(body)?.[0] ?? body];
}

const reply = (code: string): Answered => ({
  reply: { body: ackOf(ADT, code).subarray(1, -2), type: 'HL7v2:ACK_A01:2.5.1', code },
  outcome: { status: 'completed' },
});

describe('curl posts a message', () => {
  test('and gets its acknowledgement with 200, in the charset that it named', async () => {
    await using one = await service(asked);
    expect(await curl(`${one.url}/adt`)).toEqual([
      '200',
      'application/hl7-v2; charset=ISO-8859-1',
      'MSA|AA|ID-7',
    ]);
    expect(one.opened.delivered).toMatchObject([
      { type: 'HL7v2:ADT_A01:2.5.1', charset: 'ISO-8859-1', dedupeKey: 'ID-7' },
    ]);
    const headers = { 'content-type': 'application/hl7-v2; charset=ISO-8859-1' };
    const body = Buffer.from(ADT.replace('|B|', '|Bä\u0080|'), 'latin1');
    const answer = await fetch(`${one.url}/adt`, { method: 'POST', headers, body });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.toString('latin1')).toContain('|A|Bä\u0080|');
    expect(answer.headers.get('content-length')).toBe(String(bytes.length));
  });

  test('in chunks, and gets the same', async () => {
    await using one = await service(asked);
    const [status, , said] = await curl(`${one.url}/adt`, '-H', 'Transfer-Encoding: chunked');
    expect([status, said]).toEqual(['200', 'MSA|AA|ID-7']);
  });

  test('that cannot be stored, and gets AR with 400', async () => {
    await using one = await service(asked);
    one.opened.refuse();
    const [status, , said] = await curl(`${one.url}/adt`);
    expect(status).toBe('400');
    expect(said).toMatch(/^MSA\|AR\|ID-7/);
  });

  test.for([
    ['AA', '200'],
    ['CA', '200'],
    ['AE', '500'],
    ['CE', '500'],
    ['AR', '400'],
    ['CR', '400'],
  ] as const)('whose target answers %s, and gets %s', async ([code, status]) => {
    await using one = await service({ ...asked, answer: 'target' });
    one.opened.answer(() => reply(code));
    const [seen, , said] = await curl(`${one.url}/adt`);
    expect(seen).toBe(status);
    expect(said).toMatch(new RegExp(`^MSA\\|A${code[1]}\\|ID-7`));
  });

  test('whose target is late, and gets AE with 500', async () => {
    await using one = await service({ ...asked, answer: 'target' });
    one.opened.answer(() => ({}));
    const [status, , said] = await curl(`${one.url}/adt`);
    expect(status).toBe('500');
    expect(said).toMatch(/^MSA\|AE\|ID-7/);
  });
});

const posting = (url: string) => openOutbound(httpOut, { url, replyCode: 'acknowledgement' });
const body = Buffer.from(ADT);

describe('http-out posts a message', () => {
  test.for([
    [200, 'AA'],
    [500, 'AE'],
    [400, 'AR'],
    // servers that answer 200 whatever they say
    [200, 'AE'],
  ] as const)('and %i with %s has the code of the acknowledgement', async ([status, code]) => {
    await using server = await webServer(() => ({
      status,
      headers: { 'content-type': 'application/hl7-v2; charset=UTF-8' },
      body: ackOf(ADT, code, 'ID-7', '|Bed unknown').subarray(1, -2),
    }));
    await using out = await posting(`${server.url}/adt`);
    const answer = await out.send(body);
    expect(answer).toMatchObject({ code, type: 'HL7v2:ACK_A01:2.5.1' });
    expect(answer?.text).toMatch(/^Bed unknown/);
    expect(server.requests[0]?.headers).toMatchObject({
      'content-type': 'application/hl7-v2; charset=UTF-8',
    });
  });

  test.for([
    ['text/html', '<html>Bad gateway</html>'],
    ['application/hl7-v2', 'MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5\r'],
    ['application/hl7-v2', ''],
  ] as const)('and an answer without one has its status: %s %j', async ([type, text]) => {
    await using server = await webServer(() => ({
      status: 502,
      headers: { 'content-type': type },
      body: text,
    }));
    await using out = await posting(`${server.url}/adt`);
    expect(await out.send(body)).toMatchObject({ code: '502' });
  });

  test('and the codes are judged as those of MLLP', () => {
    expect(httpOut.replies).toMatchObject({ AA: 'complete', AE: 'suspend', AR: ['retry', 'fail'] });
  });

  test('to http-in, which understands it', async () => {
    await using one = await service({ ...asked, answer: 'target' });
    one.opened.answer(() => reply('AE'));
    await using out = await posting(`${one.url}/adt`);
    expect(await out.send(body)).toMatchObject({ code: 'AE' });
  });
});
