import { setting } from 'waybill/adapter';
import { letterSettings } from 'waybill/peer';
import { graphSettings } from './graph-settings.ts';

/** The settings of `graph-mail-out`. */
export const graphOutSettings = {
  ...graphSettings,
  ...letterSettings,
  from: setting.optional(
    setting.addressTemplate({
      help: 'The sender, where it is not the mailbox itself: an address the mailbox may send as.',
      example: 'Registration <registration@hospital.example>',
    }),
  ),
  sending: setting.choice(
    {
      once: 'As a draft that is then sent: a try that is repeated finds the mail and sends it once. Needs Mail.Send and Mail.ReadWrite',
      direct:
        'In one request, which needs only Mail.Send: a mail whose answer got lost is sent twice. Large attachments still need Mail.ReadWrite',
      unsaved: 'As direct, and without a copy in Sent Items',
    },
    { help: 'How a mail is sent.', default: 'once' },
  ),
};

export type GraphOutValues = setting.ValuesOf<typeof graphOutSettings>;
