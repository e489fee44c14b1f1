import { describe, expect, test } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { replyRules } from '../../../src/flow/reply-rules.ts';
import { bytesOf, CLAIMS, OTHER_REPORTS, REPORT } from '../../support/edi-samples.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { webServer } from '../../support/web-server.ts';
import { service } from './calling.ts';

const post = async (url: string, body: string, type = 'application/edi-x12') => {
  const headers = { 'content-type': type };
  const answer = await fetch(`${url}/claims`, { method: 'POST', body, headers });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    text: await answer.text(),
  };
};

const WRONG = CLAIMS.replace('HI*ABK:Z0000~\n', '').replace('SE*45', 'SE*44');

describe('http-in', () => {
  test('answers a 999 once it is stored', async () => {
    await using one = await service({ acknowledge: 'guide' });
    const { status, type, text } = await post(one.url, CLAIMS);
    expect([status, type]).toEqual([202, 'application/edi-x12']);
    expect(text).toContain('AK9*A*1*1*1~');
    expect(one.opened.delivered).toMatchObject([
      { type: 'X12:837P:005010X222A1', dedupeKey: '000000007' },
    ]);
  });

  test('rejects what its guide does not allow, and does not store it', async () => {
    await using one = await service({ acknowledge: 'guide' });
    const { status, text } = await post(one.url, WRONG);
    expect(status).toBe(422);
    expect(text).toContain('IK3*HI*30*2300*3~IK5*R*5~');
    expect(one.opened.delivered).toEqual([]);
    expect(one.opened.events.map(({ name }) => name)).toEqual(['refused']);
  });

  test('takes it where it is checked less', async () => {
    await using one = await service({ acknowledge: 'syntax' });
    expect(await post(one.url, WRONG)).toMatchObject({ status: 202 });
    expect(one.opened.delivered).toHaveLength(1);
  });

  test('rejects an envelope by a TA1', async () => {
    await using one = await service({ acknowledge: 'envelope' });
    const { status, text } = await post(one.url, CLAIMS.replace('IEA*1', 'IEA*2'));
    expect(status).toBe(422);
    expect(text).toContain('TA1*000000007*260301*1200*R*021~');
  });

  test('answers EDIFACT by CONTRL', async () => {
    await using one = await service({ acknowledge: 'envelope' });
    const { status, type, text } = await post(one.url, REPORT);
    expect([status, type]).toEqual([202, 'application/edifact']);
    expect(text).toContain("UCI+REF7+LAB:14+WARD:14+7'");
  });

  test('EDIFACT is checked by its profile as well, and X12 as ever', async () => {
    const settings = { acknowledge: 'envelope', profile: 'lab' };
    await using one = await service(settings, { profiles: { lab: OTHER_REPORTS } });
    const { status, text } = await post(one.url, REPORT, 'application/edifact');
    expect(status).toBe(422);
    expect(text).toContain("UCM+1+MEDRPT:D:96A:UN+4'UCS+2'UCD+12+2'");
    expect(one.opened.delivered).toEqual([]);
    const right = REPORT.replace('BGM+LRP', 'BGM+XYZ');
    expect(await post(one.url, right, 'application/edifact')).toMatchObject({ status: 202 });
    expect(await post(one.url, CLAIMS)).toMatchObject({ status: 202 });
    expect(one.opened.delivered).toHaveLength(2);
  });

  test('answers as ever where that is not asked for, to other bodies, and to an acknowledgement', async () => {
    await using plain = await service({});
    expect(await post(plain.url, CLAIMS)).toMatchObject({ status: 202, type: 'application/json' });
    await using one = await service({ acknowledge: 'guide' });
    const { text } = await post(one.url, CLAIMS);
    expect(await post(one.url, text)).toMatchObject({ status: 202, type: 'application/json' });
    expect(await post(one.url, '{}', 'application/json')).toMatchObject({
      status: 202,
      type: 'application/json',
    });
    expect(one.opened.delivered).toHaveLength(3);
  });

  test('passes on what the target answers', async () => {
    await using one = await service({ acknowledge: 'guide', answer: 'target' });
    one.opened.answer(() => ({
      reply: { body: bytesOf('{"ok":true}'), type: 'application/json', code: '200' },
      outcome: { status: 'completed' },
    }));
    expect(await post(one.url, CLAIMS)).toMatchObject({ status: 200, text: '{"ok":true}' });
  });

  test('an interchange that cannot be stored is to be sent again', async () => {
    await using one = await service({ acknowledge: 'guide' });
    one.opened.refuse();
    expect(await post(one.url, CLAIMS)).toMatchObject({ status: 503 });
  });

  test('a damaged one is refused by name', async () => {
    await using one = await service({ acknowledge: 'guide' });
    const { status, text } = await post(one.url, CLAIMS.slice(0, 100));
    expect(status).toBe(422);
    expect(text).toContain('ISA is cut off');
    expect(one.opened.delivered).toEqual([]);
  });
});

const sent = async (answer: string, status = 200) => {
  await using server = await webServer(() => ({
    status,
    headers: { 'content-type': 'application/edi-x12' },
    body: answer,
  }));
  await using out = await openOutbound(httpOut, {
    url: `${server.url}/claims`,
    replyCode: 'acknowledgement',
  });
  return await out.send(bytesOf(CLAIMS), { type: 'X12:837P:005010X222A1' });
};

const answered = async (text: string): Promise<string> => {
  await using one = await service({ acknowledge: 'guide' });
  return (await post(one.url, text)).text;
};

const judge = (code: string) =>
  replyRules({ accept: 'complete', error: 'fail', reject: 'stop' }).onReply({
    body: new Uint8Array(),
    type: 'X12:999',
    code,
  }).action;

describe('http-out', () => {
  test.for([
    [CLAIMS, 'A', 'complete'],
    [WRONG, 'R', 'suspend'],
    [CLAIMS.replace('IEA*1', 'IEA*2'), 'R', 'suspend'],
    [CLAIMS.replace('*ZZ*PAYER          *', '*ZZ*PAYER*'), 'E', 'complete'],
  ] as const)('judges the acknowledgement and not the status', async ([text, code, action]) => {
    const reply = await sent(await answered(text), 422);
    expect(reply).toMatchObject({ code });
    expect(reply?.problems).toBeUndefined();
    expect(replyRules({}, httpOut.replies).onReply(reply).action).toBe(action);
  });

  test('tells of an answer to something else', async () => {
    const other = (await answered(CLAIMS)).replace('AK1*HC*7', 'AK1*HC*8');
    const reply = await sent(other);
    expect(reply).toMatchObject({ code: 'A', problems: ['wrong-control-id'] });
    expect(replyRules({}, httpOut.replies).onReply(reply).warnings).toEqual(['wrong-control-id']);
  });

  test('judges any other answer by its status', async () => {
    expect(await sent('{"ok":true}')).toMatchObject({ code: '200' });
    expect(await sent(CLAIMS)).toMatchObject({ code: '200' });
    expect(await sent('ISA*nothing')).toMatchObject({ code: '200' });
  });

  test('groups name its codes', () => {
    expect(['A', 'E', 'P', 'R', 'M', 'X'].map(judge)).toEqual([
      'complete',
      'fail',
      'fail',
      'stop',
      'stop',
      'stop',
    ]);
  });
});
