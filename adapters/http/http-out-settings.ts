import { setting } from 'waybill/adapter';
import { headerTemplate, httpClientSettings, urlTemplate } from 'waybill/peer';

const request = {
  url: {
    ...urlTemplate,
    help: 'Where each message is sent. Values in braces are percent-encoded; scheme, host and port cannot come from a message.',
    example: 'https://api.example/patients/{field("PID-3.1")}',
  },
  method: setting.choice(
    {
      POST: 'The message is posted',
      PUT: 'The message is put at the address',
      PATCH: 'The message changes what is at the address',
      GET: 'What is at the address is asked for; the body of the message is not sent',
      DELETE: 'What is at the address is deleted; the body of the message is not sent',
      HEAD: 'Only whether there is something is asked; the body of the message is not sent',
    },
    { help: 'What is done at the address.', default: 'POST' },
  ),
  headers: setting.list(headerTemplate, {
    help: 'Headers to send besides those of the connection. An entry whose value comes out empty is left out.',
    example: '["Accept: application/json", "Idempotency-Key: {id}"]',
  }),
  contentType: setting.optional(
    setting.template({
      help: "The Content-Type. Left out, it follows from the message's type and charset (application/hl7-v2 for HL7).",
      example: 'application/json; charset=utf-8',
    }),
  ),
  replyHeaders: setting.list(setting.text({ help: 'The name of a header.' }), {
    help: 'Which headers of the answer are kept as the text of the reply, seen in the trace and by processes; never those that carry a secret.',
    default: ['Location', 'ETag'],
    advanced: true,
  }),
};

export const httpOutSettings = { ...request, ...httpClientSettings };

export type HttpOutValues = setting.ValuesOf<typeof httpOutSettings>;
