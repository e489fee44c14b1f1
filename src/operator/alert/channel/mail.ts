import type { Transporter } from 'nodemailer';
import type { MailChannelSettings } from '../../../access/sign-in/alert-settings.ts';
import { connectionCause } from '../../../peer/connection-cause.ts';
import { type AlertChannel, type NewsSent, SENDING } from './channel.ts';

/** Sends a mail by itself, for when no engine runs that could. */
export function mailChannel(name: string, settings: MailChannelSettings): AlertChannel {
  const { server, security = 'starttls', user, password, from, to } = settings;
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(server) ?? [];
  let transport: Transporter | undefined;
  // only installations with such a channel need it
  const open = async (): Promise<Transporter> => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      host,
      port: Number(port),
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
      connectionTimeout: SENDING,
      greetingTimeout: SENDING,
      socketTimeout: SENDING,
      dnsTimeout: SENDING,
    });
  };
  return {
    name,
    kind: 'mail',
    async send({ key, subject, text, link }) {
      try {
        transport ??= await open();
        await transport.sendMail({
          from,
          to: [...to],
          subject,
          text: link === undefined ? text : `${text}\n\n${link}`,
          headers: { 'X-Waybill-Alert': key, 'Auto-Submitted': 'auto-generated' },
        });
        return { accepted: true };
      } catch (error) {
        return refused(error, server);
      }
    },
  };
}

/** nodemailer's own codes. */
const CAUSES: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  EAUTH: ['refused the sign-in', 'Check user and password of the channel'],
  EENVELOPE: ['refused the sender or a recipient', 'Check from and to of the channel'],
  EMESSAGE: ['refused the mail', 'Look at the log of the server'],
  ETLS: ['offers no STARTTLS, or its certificate is not trusted', 'Check security of the channel'],
  ETIMEDOUT: ['did not answer in time', 'Check the address and whether a firewall drops packets'],
};

function refused(error: unknown, server: string): NewsSent {
  const { code = '', responseCode } = error as { code?: string; responseCode?: number };
  const [what, remedy] = CAUSES[code] ?? [];
  if (what !== undefined && remedy !== undefined) {
    const answer = responseCode === undefined ? '' : ` (${responseCode})`;
    return { accepted: false, cause: `${server} ${what}${answer}`, remedy };
  }
  // nodemailer replaces the system's code by its own, and keeps it in the text
  const [system = code] = /\bE[A-Z]{4,}\b/.exec(String(error)) ?? [];
  const known = Object.assign(new Error('not sent'), { code: system });
  const { cause, remedy: advice } = connectionCause(known, server);
  return { accepted: false, cause, remedy: advice };
}
