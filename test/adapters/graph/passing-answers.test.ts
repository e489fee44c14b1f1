import { describe, expect, test, vi } from 'vitest';
import graphMailIn from '../../../adapters/graph/graph-mail-in.ts';
import type { Fault } from '../../../sandbox/faults.ts';
import { idOf } from '../../../sandbox/graph/graph-message.ts';
import { graphLab, HUB } from '../../support/graph-lab.ts';
import { arrived, openSending } from '../../support/open-graph.ts';
import { delivered, moreLooks, openReading, receive, texts } from '../../support/open-graph-in.ts';
import { supervised } from '../../support/supervised.ts';

const answering = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  body: { error: { code, message: 'no' } },
});

const PASSING: readonly Fault[] = [
  answering(408, 'RequestTimeout'),
  answering(409, 'ErrorIrresolvableConflict'),
  answering(423, 'Locked'),
  answering(404, 'ErrorItemNotFound'),
  answering(400, 'ErrorTimeoutExpired'),
  answering(400, 'ErrorInternalServerTransientError'),
  answering(400, 'ErrorExceededConnectionCount'),
  answering(403, 'ErrorMailboxMoveInProgress'),
  { kind: 'page', status: 404 },
  { kind: 'page', status: 403 },
  { kind: 'page', status: 302 },
  { kind: 'page', status: 200 },
  { kind: 'drop' },
  { kind: 'hang' },
];

/** No test waits longer than that for a server that never answers. */
const SHORT = { timeout: '1s' };

const FINAL: readonly Fault[] = [
  answering(400, 'ErrorInvalidRecipients'),
  answering(400, 'BadRequest'),
  answering(422, 'ErrorSomethingNew'),
];

describe.for([/messages$/, /send$/])('sending, at %s', (step) => {
  test.for(PASSING)('what passes is tried again, and the mail arrives once: %j', async (fault) => {
    await using lab = await graphLab();
    await using opened = await openSending(lab, SHORT);
    lab.graph.faults(step).next(fault);
    await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({ retryable: true });
    await opened.send(Buffer.from('x'));
    expect(arrived(lab)).toHaveLength(1);
  });

  test.for(FINAL)('what is final is not tried again, and leaves no draft: %j', async (fault) => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(step).next(fault);
    await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      retryable: false,
    });
    expect(lab.graph.mailbox(HUB).messages('drafts')).toEqual([]);
  });
});

test('a mail that is sent directly is not taken as sent on the word of a portal', async () => {
  await using lab = await graphLab();
  await using opened = await openSending(lab, { sending: 'direct' });
  lab.graph.faults(/sendMail$/).next({ kind: 'page', status: 200 });
  await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/not an answer from Graph/),
  });
});

test('the piece of a large file whose session the server forgot is sent in another session', async () => {
  await using lab = await graphLab();
  await using opened = await openSending(lab);
  lab.graph.faults(/upload/).next(answering(404, 'itemNotFound'));
  await opened.send(Buffer.alloc(5_000_000, 'x'));
  expect(arrived(lab)[0]?.attachments[0]?.content.length).toBe(5_000_000);
});

describe('reading', () => {
  test.for<Fault>([
    { kind: 'page', status: 404 },
    { kind: 'page', status: 200 },
    answering(404, 'MailboxNotEnabledForRESTAPI'),
  ])('a mail is not passed over for %j', async (fault) => {
    await using lab = await graphLab();
    await receive(lab, { attachments: [{ filename: 'a.txt', content: 'a' }] });
    lab.graph.faults(/\/attachments/).next(fault);
    const settings = { take: 'attachments', afterwards: 'delete', ...SHORT };
    await using first = await openReading(lab, settings);
    await vi.waitFor(() => expect(first.lost).toHaveLength(1));
    expect(first.lost[0]).toMatchObject({ retryable: true });
    expect(first.delivered).toEqual([]);
    expect(lab.graph.mailbox(HUB).messages('inbox')).toHaveLength(1);
    await using second = await openReading(lab, settings, first.memory);
    await delivered(second, 1);
    expect(texts(second)).toEqual(['a']);
  });

  test.for([/delta$/, /\/attachments/, /\/move$/])(
    'a question that is never answered is put again, and the mail is taken once: %s',
    async (step) => {
      await using lab = await graphLab();
      lab.graph.faults(step).next({ kind: 'hang' });
      await receive(lab, { attachments: [{ filename: 'a.txt', content: 'a' }] });
      await using run = supervised(
        graphMailIn,
        { ...lab.given, every: '20ms', afterwards: 'archive', ...SHORT },
        { credentials: { graph: lab.credential } },
      );
      await vi.waitFor(() => expect(lab.graph.mailbox(HUB).messages('inbox')).toEqual([]));
      await run[Symbol.asyncDispose]();
      expect(run.delivered.map(({ name }) => name)).toEqual(['a.txt']);
    },
  );

  test('attachments are taken from every page of their list', async () => {
    await using lab = await graphLab();
    await receive(lab, { attachments: [{ filename: 'a.txt', content: 'a' }] });
    const [mail] = lab.graph.mailbox(HUB).messages('inbox');
    if (mail === undefined) throw new Error('no mail');
    const list = `${lab.graph.url}/users/${HUB}/messages/${idOf(mail, true)}/attachments`;
    lab.graph.faults(/\/attachments$/).next({
      kind: 'answer',
      status: 200,
      body: { value: [], '@odata.nextLink': `${list}?$skiptoken=1` },
    });
    await using opened = await openReading(lab, { take: 'attachments', afterwards: 'keep' });
    await delivered(opened, 1);
    await moreLooks(lab);
    expect(texts(opened)).toEqual(['a']);
  });
});
