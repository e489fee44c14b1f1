import { describe, expect, test } from 'vitest';
import { graphLab, HUB, WARD } from '../../support/graph-lab.ts';
import { streamedBody } from '../../support/open-adapter.ts';
import { arrived, asked, openSending } from '../../support/open-graph.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||Ä\r', 'latin1');
const MB = 1024 * 1024;

describe('a mail', () => {
  test('is written as a draft with a mark, and sent', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab, {
      subject: 'Befund {id} ä',
      html: '<b>Hello</b>',
      replyTo: 'desk@hospital.example',
      bcc: 'hidden@hospital.example',
    });
    expect(await opened.send(BODY)).toMatchObject({ code: '202', text: 'accepted' });
    expect(asked(lab)).toEqual(['POST /messages', 'POST /messages/*/send']);
    const [mail] = arrived(lab);
    expect(mail).toMatchObject({
      subject: 'Befund 7000001 ä',
      body: { contentType: 'html', content: '<b>Hello</b>' },
      from: { emailAddress: { address: HUB } },
      toRecipients: [{ emailAddress: { address: WARD } }],
      bccRecipients: [{ emailAddress: { address: 'hidden@hospital.example' } }],
      replyTo: [{ emailAddress: { address: 'desk@hospital.example' } }],
      internetMessageId: '<waybill.7000001@hospital.example>',
      extended: [
        { id: expect.stringMatching(/Name WaybillMessage$/), value: 'test/under-test/7000001' },
      ],
    });
    expect(mail?.attachments[0]).toMatchObject({
      name: '7000001.hl7',
      contentType: 'x-application/hl7-v2+er7',
    });
    expect(mail?.attachments[0]?.content.equals(BODY)).toBe(true);
    expect(lab.graph.mailbox(HUB).messages('drafts')).toEqual([]);
  });

  test('goes out in one request, which needs Mail.Send only, if that is wanted', async () => {
    await using lab = await graphLab({ roles: ['Mail.Send'] });
    await using opened = await openSending(lab, { sending: 'direct' });
    await opened.send(BODY);
    expect(asked(lab)).toEqual(['POST /sendMail']);
    expect(arrived(lab)[0]?.attachments[0]?.content.equals(BODY)).toBe(true);
    expect(lab.graph.mailbox(HUB).messages('sentitems')).toHaveLength(1);
  });

  test('leaves no copy in Sent Items, if that is wanted', async () => {
    await using lab = await graphLab({ roles: ['Mail.Send'] });
    await using opened = await openSending(lab, { sending: 'unsaved' });
    await opened.send(BODY);
    expect(arrived(lab)).toHaveLength(1);
    expect(lab.graph.mailbox(HUB).messages()).toEqual([]);
  });

  test('has the name and address that from gives, where the mailbox may send as it', async () => {
    await using lab = await graphLab({ sendAs: { [HUB]: ['desk@hospital.example'] } });
    await using opened = await openSending(lab, { from: 'Desk <desk@hospital.example>' });
    await opened.send(BODY);
    expect(arrived(lab)[0]?.from).toEqual({
      emailAddress: { name: 'Desk', address: 'desk@hospital.example' },
    });
  });
});

describe('an attachment', () => {
  test.for([
    { size: 2.7 * MB, way: ['POST /messages', 'POST /messages/*/send'] },
    {
      size: 2.95 * MB,
      way: ['POST /messages', 'POST /messages/*/attachments', 'POST /messages/*/send'],
    },
    {
      size: 3 * MB,
      way: [
        'POST /messages',
        'POST /messages/*/attachments/createUploadSession',
        'PUT /upload',
        'POST /messages/*/send',
      ],
    },
    {
      size: 9 * MB + 1,
      way: [
        'POST /messages',
        'POST /messages/*/attachments/createUploadSession',
        'PUT /upload',
        'PUT /upload',
        'PUT /upload',
        'POST /messages/*/send',
      ],
    },
  ])(
    'of $size bytes takes the way that Graph has for it, and arrives whole',
    async ({ size, way }) => {
      await using lab = await graphLab();
      await using opened = await openSending(lab);
      const body = Buffer.alloc(Math.floor(size), 'abcdefghi');
      await opened.send(streamedBody(body));
      expect(asked(lab)).toEqual(way);
      const [mail] = arrived(lab);
      expect(mail?.attachments).toHaveLength(1);
      expect(mail?.attachments[0]?.content.equals(body)).toBe(true);
      expect(Math.max(...lab.graph.requests.map((one) => one.size))).toBeLessThanOrEqual(4 * MB);
    },
  );
});

describe('an upload', () => {
  const body = Buffer.alloc(9 * MB, 'abcdefghi');
  const whole = (lab: Awaited<ReturnType<typeof graphLab>>): void => {
    expect(arrived(lab)).toHaveLength(1);
    expect(arrived(lab)[0]?.attachments).toHaveLength(1);
    expect(arrived(lab)[0]?.attachments[0]?.content.equals(body)).toBe(true);
  };

  test.for([
    { name: 'a piece gets lost', fault: { kind: 'drop' } },
    { name: 'the server is busy', fault: { kind: 'throttle', retryAfter: 0 } },
    { name: 'a gateway fails', fault: { kind: 'page', status: 502 } },
  ] as const)('goes on when $name', async ({ fault }) => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/^PUT/).next(fault);
    await opened.send(streamedBody(body));
    expect(asked(lab)).toContain('GET /upload');
    whole(lab);
  });

  test('does not send a piece again whose answer alone got lost', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.loseAnswer(/^PUT/);
    await opened.send(streamedBody(body));
    expect(asked(lab).filter((one) => one === 'PUT /upload')).toHaveLength(3);
    whole(lab);
  });

  test('does not attach a file twice when the answer to its last piece gets lost', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    const small = Buffer.alloc(3.5 * MB, 'x');
    lab.graph.loseAnswer(/^PUT/);
    await opened.send(streamedBody(small));
    expect(arrived(lab)[0]?.attachments).toHaveLength(1);
  });

  test('starts anew where the server does not say how far it got', async () => {
    await using lab = await graphLab({ uploadStatus: false });
    await using opened = await openSending(lab);
    lab.graph.loseAnswer(/^PUT/);
    await opened.send(streamedBody(body));
    expect(asked(lab).filter((one) => one.endsWith('createUploadSession'))).toHaveLength(2);
    whole(lab);
  });

  test('is given up after some tries, and made anew with the next try of the message', async () => {
    await using lab = await graphLab();
    await using opened = await openSending(lab);
    lab.graph.faults(/^PUT/).always({ kind: 'page', status: 502 });
    await expect(opened.send(streamedBody(body))).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
    });
    lab.graph.faults(/^PUT/).clear();
    await opened.send(streamedBody(body));
    whole(lab);
    expect(lab.graph.mailbox(HUB).messages('drafts')).toEqual([]);
  });
});

test('as many mails at once as there are never are more requests than Outlook takes', async () => {
  await using lab = await graphLab({ latency: 20 });
  await using opened = await openSending(lab);
  await Promise.all(Array.from({ length: 12 }, (_, id) => opened.send(BODY, { id: 100 + id })));
  expect(arrived(lab)).toHaveLength(12);
  expect(lab.graph.peak).toBeLessThanOrEqual(4);
  expect(lab.graph.requests.filter(({ status }) => status === 429)).toEqual([]);
});
