import { outbound } from 'waybill/adapter';
import { GraphClient } from './graph-client.ts';
import { graphOutSettings } from './graph-out-settings.ts';
import { testSending } from './graph-test.ts';
import { MailSender } from './mail-sender.ts';

export default outbound({
  type: 'graph-mail-out',
  title: 'Mail (Microsoft Graph)',
  summary: 'Sends each message as a mail of an Exchange Online mailbox, through Microsoft Graph.',
  settings: graphOutSettings,
  async open(lent) {
    const { settings, production, host } = lent;
    const client = await GraphClient.open(lent, settings);
    // Says at once if there is no token; Graph itself is asked with the first mail.
    await client.token(lent.signal);
    lent.connection('connected', `${client.place}, as ${settings.mailbox}`);
    return new MailSender({ client, settings, marks: `${production}/${host}` });
  },
  test: testSending,
});
