import { describe, expect, test } from 'vitest';
import type { Template } from '../../../src/adapter/setting.ts';
import { EngineError } from '../../../src/error/engine-error.ts';
import { letter, letterSettings } from '../../../src/peer/index.ts';
import { messageOf, readGiven } from '../../support/open-adapter.ts';

const BODY = Buffer.from('MSH|^~\\&|A|B\rPID|1\r');

const settings = (given: Record<string, unknown> = {}) =>
  readGiven(letterSettings, { from: 'hub@hospital.example', to: 'a@ward.example', ...given });

describe('a letter', () => {
  test('has the body attached under its id, with a type that follows from the message', async () => {
    const one = await letter(messageOf(BODY, { charset: 'iso-8859-1' }), settings());
    expect(one).toMatchObject({
      from: { address: 'hub@hospital.example' },
      to: [{ address: 'a@ward.example' }],
      subject: 'ADT_A01 7000001',
      attachment: { name: '7000001.hl7', type: 'x-application/hl7-v2+er7; charset=iso-8859-1' },
    });
  });

  test.for([
    { type: 'application/pdf', ending: '.pdf', media: 'application/pdf' },
    { type: 'text/csv', ending: '.csv', media: 'text/csv' },
    { type: 'application/x-unheard-of', ending: '', media: 'application/x-unheard-of' },
    { type: 'something else', ending: '', media: 'application/octet-stream' },
  ])('of $type is attached as $media', async ({ type, ending, media }) => {
    const one = await letter(messageOf(BODY, { type }), settings());
    expect(one.attachment).toMatchObject({ name: `7000001${ending}`, type: media });
  });

  test('has the body as its text, with the line ends of mail', async () => {
    const latin1 = Buffer.from('a\rb\r\nc\nä', 'latin1');
    const message = messageOf(latin1, { charset: 'iso-8859-1' });
    expect(await letter(message, settings({ body: 'text' }))).toMatchObject({
      text: 'a\nb\nc\nä',
      attachment: undefined,
    });
  });

  test('reads several addresses, with names, and leaves empty entries out', async () => {
    const one = await letter(
      messageOf(BODY),
      settings({ to: ['Ward A <a@ward.example>, b@ward.example; c@ward.example', '{name}'] }),
    );
    expect(one.to).toEqual([
      { name: 'Ward A', address: 'a@ward.example' },
      { name: '', address: 'b@ward.example' },
      { name: '', address: 'c@ward.example' },
    ]);
  });
});

describe('an address', () => {
  test('has its domain in the form of the DNS', async () => {
    const to = 'Süd <station@klinik-süd.example>, ärztin@klinik.example, a@KLINIK.example';
    expect((await letter(messageOf(BODY), settings({ to }))).to).toEqual([
      { name: 'Süd', address: 'station@xn--klinik-sd-x9a.example' },
      { name: '', address: 'ärztin@klinik.example' },
      { name: '', address: 'a@KLINIK.example' },
    ]);
  });

  test.for(['b@evil.example', 'Eve <b@evil.example>', '"Eve, B" <b@evil.example>'])(
    'that a message gives is one: %s',
    async (name) => {
      const one = await letter(messageOf(BODY, { name }), settings({ to: '{name}' }));
      expect(one.to.map(({ address }) => address)).toEqual(['b@evil.example']);
    },
  );

  test.for([
    'a@ward.example, b@evil.example',
    'a@ward.example;b@evil.example',
    'a@ward.example> <b@evil.example',
    'a <a@ward.example>, b <b@evil.example>',
    'all: a@ward.example, b@evil.example;',
    'a@ward.example" <b@evil.example>',
    'a@ward.example\r\nBcc: b@evil.example',
    'a@ward.example\\',
  ])('that a message gives cannot become several: %j', async (name) => {
    for (const given of ['{name}', 'Ward <{name}>', 'c@ward.example, {name}']) {
      for (const setting of ['to', 'cc', 'bcc', 'from', 'replyTo']) {
        const sent = letter(messageOf(BODY, { name }), settings({ [setting]: given })).then(
          ({ from, to, cc, bcc, replyTo }) =>
            [from, ...to, ...cc, ...bcc, replyTo].map((one) => one?.address),
          () => [],
        );
        expect(await sent).not.toContain('b@evil.example');
      }
    }
  });

  test('has a name beside it that may hold a comma', async () => {
    const one = await letter(
      messageOf(BODY, { name: 'Müller, "Hans"' }),
      settings({ to: '{name} <a@ward.example>' }),
    );
    expect(one.to).toEqual([{ name: 'Müller, "Hans"', address: 'a@ward.example' }]);
  });

  test('with a domain that cannot be one is kept for a person', async () => {
    const to = 'a@ä..example­‍';
    await expect(letter(messageOf(BODY), settings({ to }))).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
    });
  });
});

describe('what a message puts into a letter', () => {
  test('is shown as text in HTML and starts no element of its own', async () => {
    const name = `<script>x</script> "Müller" & 'Sohn'`;
    const one = await letter(
      messageOf(BODY, { name }),
      settings({ html: '<p title="{name}">{name}</p>', text: '{name}' }),
    );
    const shown = '&lt;script&gt;x&lt;/script&gt; &quot;Müller&quot; &amp; &#39;Sohn&#39;';
    expect(one.html).toBe(`<p title="${shown}">${shown}</p>`);
    expect(one.text).toBe(name);
  });

  test('starts no header of its own', async () => {
    const name = 'x\r\nBcc: evil@else.example';
    const one = await letter(messageOf(BODY, { name }), settings({ subject: 'To {name}' }));
    expect(one.subject).toBe('To x Bcc: evil@else.example');
  });

  test('leaves no folder in the name of the attachment', async () => {
    const message = messageOf(BODY, { name: '../../x\n.hl7' });
    const one = await letter(message, settings({ attachmentName: '{name}' }));
    expect(one.attachment?.name).toBe('.._.._x .hl7');
  });

  test.for(['no address', 'a@', 'a@b> <c@d', '"x\r\nRCPT TO"@c.example'])(
    'is kept for a person when it should be an address and is %j',
    async (name) => {
      const sending = letter(messageOf(BODY, { name }), settings({ to: '{name}' }));
      const error: unknown = await sending.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'ADAPTER_SUSPEND' });
      expect((error as Error).message).not.toContain(name);
    },
  );

  test('is kept for a person when nobody would get it', async () => {
    await expect(letter(messageOf(BODY), settings({ to: '{name}' }))).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
      message: 'to, cc and bcc are empty for this message: nobody would get the mail.',
    });
  });

  test('is kept for a person when a template fails on it', async () => {
    const failing: Template = {
      source: '{field("PID-99")}',
      render: () => Promise.reject(new EngineError('EXPRESSION_FAILED', 'field("PID-99") failed')),
    };
    await expect(
      letter(messageOf(BODY), { ...settings(), subject: failing }),
    ).rejects.toMatchObject({
      code: 'ADAPTER_SUSPEND',
      message: 'subject: field("PID-99") failed',
    });
  });
});
