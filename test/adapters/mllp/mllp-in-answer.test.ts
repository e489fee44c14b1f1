import { describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../../src/adapter/index.ts';
import { adt, connected, listening } from './listening.ts';

describe('acknowledgements', () => {
  test.for([
    { acknowledge: 'stored', ids: '', answers: ['AA|M1'] },
    { acknowledge: 'never', ids: '', answers: [] },
    { acknowledge: 'stored', ids: '|||AL|AL', answers: ['AA|M1'] },
    { acknowledge: 'by-message', ids: '', answers: ['AA|M1'] },
    { acknowledge: 'by-message', ids: '|||AL|NE', answers: ['CA|M1'] },
    { acknowledge: 'by-message', ids: '|||NE|NE', answers: [] },
    { acknowledge: 'by-message', ids: '|||AL|AL', answers: ['CA|M1', 'AA|M1'] },
    { acknowledge: 'by-message', ids: '|||NE|AL', answers: ['AA|M1'] },
    { acknowledge: 'by-message', ids: '|||ER|ER', answers: [] },
    { acknowledge: 'by-message', ids: '|||SU|SU', answers: ['CA|M1', 'AA|M1'] },
    { acknowledge: 'by-message', ids: '|||AL|', answers: ['CA|M1'] },
    { acknowledge: 'by-message', ids: '||||AL', answers: ['AA|M1'] },
  ])('$acknowledge with MSH-12…16 "$ids" of a taken message: $answers', async (one) => {
    await using opened = await listening({ acknowledge: one.acknowledge });
    opened.answer(() => ({ outcome: { status: 'completed' } }));
    await using sender = await connected(opened);
    sender.send(adt('M1', one.ids));
    sender.send(adt('END'));
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
    await opened.close();
    expect(sender.codes().filter((code) => !code.endsWith('|END'))).toEqual(one.answers);
  });

  test.for([
    { acknowledge: 'by-message', ids: '|||ER|NE', answers: ['CR|M1'] },
    { acknowledge: 'by-message', ids: '|||NE|ER', answers: ['AR|M1'] },
    { acknowledge: 'by-message', ids: '|||SU|SU', answers: [] },
    { acknowledge: 'by-message', ids: '|||NE|NE', answers: [] },
    { acknowledge: 'never', ids: '', answers: [] },
  ])('$acknowledge with MSH-12…16 "$ids" while the store is down: $answers', async (one) => {
    await using opened = await listening({ acknowledge: one.acknowledge });
    opened.refuse();
    await using sender = await connected(opened);
    sender.send(adt('M1', one.ids));
    await vi.waitFor(() => expect(opened.refused).toBe(1));
    await opened.close();
    expect(sender.codes()).toEqual(one.answers);
  });

  test('of a commit come before the target has answered', async () => {
    await using opened = await listening({ acknowledge: 'by-message' });
    const target = Promise.withResolvers<void>();
    opened.answer(async () => {
      await target.promise;
      return { outcome: { status: 'completed' } };
    });
    await using sender = await connected(opened);
    sender.send(adt('M1', '|||AL|AL'));
    await sender.answered(1);
    expect(sender.codes()).toEqual(['CA|M1']);
    target.resolve();
    await sender.answered(2);
    expect(sender.codes()).toEqual(['CA|M1', 'AA|M1']);
  });

  test('stay whole although a field that they repeat holds the marks', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    sender.send('MSH|^~\\&|A\u001cA|B|C|D|2026||ADT^A01|M1|P|2.5\u001c');
    await sender.answered(1);
    expect(sender.codes()).toEqual(['AA|M1']);
    expect(sender.answers[0]).toMatch(/^MSH\|\^~\\&\|C\|D\|A A\|B\|.*\|2\.5 \rMSA/);
  });

  test('with commit codes say CA where the others say AA', async () => {
    await using opened = await listening({ commitCodes: true });
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    sender.send('MSH|^~\\&|A|B|C|D|2026|||M2|P|2.5\r');
    await sender.answered(2);
    expect(sender.codes()).toEqual(['CA|M1', 'CR|M2']);
  });

  test.for([
    { nackCode: 'standard', codes: ['AR|M1', 'AE|M2', 'AR|M3'] },
    { nackCode: 'ContentE', codes: ['AE|M1', 'AE|M2', 'AR|M3'] },
    { nackCode: 'ContentR', codes: ['AR|M1', 'AR|M2', 'AE|M3'] },
    { nackCode: 'AllE', codes: ['AE|M1', 'AE|M2', 'AE|M3'] },
    { nackCode: 'AllR', codes: ['AR|M1', 'AR|M2', 'AR|M3'] },
  ])('refuse with $nackCode: bad header, bad content, store down: $codes', async (one) => {
    await using opened = await listening({ nackCode: one.nackCode });
    opened.refuse();
    await using sender = await connected(opened);
    sender.send('MSH|^~\\&|A|B|C|D|2026|||M1|P|2.5\r');
    sender.send(adt('M2', '||||||ISO IR 999'));
    sender.send(adt('M3'));
    await sender.answered(3);
    expect(sender.codes()).toEqual(one.codes);
  });

  test('of a full store ask to try again, and say nothing of the inside', async () => {
    await using opened = await listening();
    opened.refuse(
      new EngineError('QUEUE_FULL', 'The queue ward on nats-3 is full.', { retryable: true }),
    );
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    await sender.answered(1);
    expect(sender.answers[0]).toMatch(/MSA\|AR\|M1\|Message not stored, try again \(QUEUE_FULL\)/);
    expect(sender.answers[0]).toMatch(/ERR\|\|\|207/);
    expect(sender.answers[0]).not.toMatch(/nats-3/);
  });

  test('of a failure inside say so, and the connection stays', async () => {
    await using opened = await listening();
    opened.refuse(new TypeError('undefined is not a function'));
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    await sender.answered(1);
    expect(sender.answers[0]).toMatch(/MSA\|AE\|M1\|Application internal error\rERR\|\|\|207/);
    opened.accept();
    sender.send(adt('M2'));
    await sender.answered(2);
    expect(sender.codes()).toEqual(['AE|M1', 'AA|M2']);
  });
});

describe('the answer of the target', () => {
  const application = { acknowledge: 'application', answerTimeout: '1s' };

  test('is passed on, addressed to the sender and for its control id', async () => {
    await using opened = await listening(application);
    opened.answer(() => ({
      reply: {
        type: 'HL7v2:ACK:2.5.1',
        code: 'AE',
        body: Buffer.from(
          'MSH|^~\\&|WARD|W|HUB|H|2026||ACK^A01^ACK|77|P|2.5.1\rMSA|AE|OTHER|Bed unknown\rERR||PV1^1^3|103|E\r',
        ),
      },
    }));
    await using sender = await connected(opened);
    sender.send(adt('M\\F\\1'));
    await sender.answered(1);
    expect(sender.answers).toEqual([
      'MSH|^~\\&|R|F|APP|FAC|2026||ACK^A01^ACK|77|P|2.5.1\rMSA|AE|M\\F\\1|Bed unknown\rERR||PV1^1^3|103|E\r',
    ]);
  });

  test.for([
    { reply: { code: '200' }, answer: 'AA|M1' },
    { reply: { code: '503', text: 'busy' }, answer: 'AR|M1' },
    { reply: { code: '422', text: 'unknown ward' }, answer: 'AE|M1' },
    { outcome: { status: 'completed' }, answer: 'AA|M1' },
    { outcome: { status: 'discarded' }, answer: 'AA|M1' },
    { outcome: { status: 'suspended' }, answer: 'AE|M1' },
    { outcome: { status: 'error', text: 'refused' }, answer: 'AE|M1' },
    { answer: 'AE|M1' },
    { reply: {}, outcome: { status: 'suspended' }, answer: 'AE|M1' },
    { reply: { code: '200' }, outcome: { status: 'error' }, answer: 'AE|M1' },
    { reply: { code: '503' }, outcome: { status: 'error' }, answer: 'AR|M1' },
    { reply: {}, outcome: { status: 'completed' }, answer: 'AA|M1' },
  ])('is put into the words of HL7: $reply $outcome is $answer', async (one) => {
    await using opened = await listening(application);
    const { reply, outcome } = one;
    opened.answer(() => ({
      ...(reply && { reply: { type: 'application/json', body: Buffer.from('{}'), ...reply } }),
      ...(outcome && { outcome }),
    }));
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    await sender.answered(1);
    expect(sender.codes()).toEqual([one.answer]);
  });

  test('is AE where a rule set the message aside although the peer said AA', async () => {
    await using opened = await listening(application);
    opened.answer(() => ({
      reply: {
        type: 'HL7v2:ACK:2.5.1',
        code: 'AA',
        body: Buffer.from('MSH|^~\\&|W|W|H|H|2026||ACK^A08^ACK|77|P|2.5.1\rMSA|AA|M1\r'),
      },
      outcome: { status: 'suspended', text: 'it acknowledges another event' },
    }));
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    await sender.answered(1);
    expect(sender.answers[0]).toContain('MSA|AE|M1|it acknowledges another event');
  });

  test('is not asked for a message that is refused here', async () => {
    await using opened = await listening(application);
    await using sender = await connected(opened);
    sender.send(adt('M1', '||||||ISO IR 999'));
    await sender.answered(1);
    expect(sender.codes()).toEqual(['AE|M1']);
    expect(opened.delivered).toEqual([]);
  });
});

describe('validation', () => {
  test.for([
    {
      what: 'a type that is not known',
      event: 'XYZ^A01',
      version: '2.5.1',
      says: 'AE|M1',
      error: '200',
    },
    {
      what: 'an event that is not known',
      event: 'ADT^A99',
      version: '2.5.1',
      says: 'AE|M1',
      error: '201',
    },
    {
      what: 'a version that is not known',
      event: 'ADT^A01',
      version: '9.9',
      says: 'AR|M1',
      error: '203',
    },
  ])('$what is $says: to send it again does not help, another version may', async (one) => {
    await using opened = await listening({ validate: 'structure' });
    await using sender = await connected(opened);
    sender.send(
      `MSH|^~\\&|A|B|C|D|2026||${one.event}|M1|P|${one.version}\rEVN|A01|20260101\rPID|1\rPV1|1\r`,
    );
    await sender.answered(1);
    expect(sender.codes()).toEqual([one.says]);
    expect(sender.answers[0]).toMatch(new RegExp(`ERR\\|\\|[^|]*\\|${one.error}`));
  });

  test.for([
    { validate: 'none', code: 'AA|M1', says: /^/ },
    { validate: 'basic', code: 'AA|M1', says: /^/ },
    { validate: 'structure', code: 'AE|M1', says: /ERR\|\|.*\|100/ },
    { validate: 'full', code: 'AE|M1', says: /ERR\|\|PID\^1\^3\|101/ },
  ])('$validate answers $code and names segment and field', async ({ validate, code, says }) => {
    await using opened = await listening({ validate });
    await using sender = await connected(opened);
    sender.send('MSH|^~\\&|A|B|C|D|2026||ADT^A01^ADT_A01|M1|P|2.5.1\rPID|1\rQQ1|x\r');
    await sender.answered(1);
    expect(sender.codes()).toEqual([code]);
    expect(sender.answers[0]).toMatch(says);
  });
});
