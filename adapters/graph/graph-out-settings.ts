import { setting } from 'waybill/adapter';
import { letterSettings } from 'waybill/peer/mail';
import { graphSettings } from './graph-settings.ts';

/** The settings of `graph-mail-out`. */
export const graphOutSettings = {
  ...graphSettings,
  ...letterSettings,
  from: setting.optional(
    setting.addressTemplate({
      help: 'The sender, if it is not the mailbox itself: an address that the mailbox is allowed to send as.',
      example: 'Registration <registration@hospital.example>',
    }),
  ),
  sending: setting.choice(
    {
      once: 'As a draft that is then sent: a repeated try finds the mail, so it is sent once. Needs Mail.Send and Mail.ReadWrite',
      direct:
        'In one request, which needs only Mail.Send: if the answer is lost, the mail is sent twice. Large attachments still need Mail.ReadWrite',
      unsaved: 'Like direct, but without a copy in Sent Items',
    },
    { help: 'How a mail is sent.', default: 'once' },
  ),
};

export type GraphOutValues = setting.ValuesOf<typeof graphOutSettings>;
