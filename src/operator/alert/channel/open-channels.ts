import type { Transporter } from 'nodemailer';
import {
  type AlertSettings,
  kindOf,
  type MailChannelSettings,
} from '../../../access/sign-in/alert-settings.ts';
import { describeError } from '../../../error/engine-error.ts';
import { connectionCause } from '../../../peer/connection-cause.ts';
import type { Engines } from '../../engines.ts';
import { type AlertChannel, type AlertNews, type NewsSent, SENDING } from './channel.ts';

/** An operation of the production: what it sends is queued, retried and traced like every message. */
export function operationChannel(
  name: string,
  operation: string,
  engines: Pick<Engines, 'notify'>,
): AlertChannel {
  return {
    name,
    kind: 'operation',
    async send({ key, subject, text, link }) {
      try {
        const { messageId } = await engines.notify({
          to: [operation],
          subject,
          text: link === undefined ? text : `${text}\n\n${link}`,
          key,
        });
        return { accepted: true, messageId };
      } catch (error) {
        return {
          accepted: false,
          cause: `no engine has sent it: ${describeError(error).text}`,
          remedy: `Check that an engine runs and has the operation ${operation}`,
        };
      }
    },
  };
}

/** The channels of `console.yaml` by name. */
export function openChannels(
  { channels }: Pick<AlertSettings, 'channels'>,
  engines: Pick<Engines, 'notify'>,
): Map<string, AlertChannel> {
  return new Map(
    Object.entries(channels).flatMap(([name, settings]) => {
      const { operation, mail, headers = {} } = settings;
      const kind = kindOf(settings);
      if (mail !== undefined) return [[name, mailChannel(name, mail)]];
      if (operation !== undefined) return [[name, operationChannel(name, operation, engines)]];
      if (kind === undefined || kind === 'operation' || kind === 'mail') return [];
      const url = settings[kind];
      return url === undefined ? [] : [[name, webhookChannel({ name, kind, url, headers })]];
    }),
  );
}

/** Sends a mail by itself, for when no engine runs that could. */
function mailChannel(name: string, settings: MailChannelSettings): AlertChannel {
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

interface WebhookSettings {
  readonly name: string;
  readonly kind: 'webhook' | 'teams' | 'slack';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Posts to an address: JSON with everything, or what Teams and Slack show. */
export function webhookChannel({ name, kind, url, headers }: WebhookSettings): AlertChannel {
  const address = new URL(url);
  return {
    name,
    kind,
    async send(news, signal) {
      try {
        const response = await fetch(address, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'idempotency-key': news.key,
            ...headers,
          },
          body: JSON.stringify(FORMS[kind](news)),
          redirect: 'manual',
          signal: AbortSignal.any([signal, AbortSignal.timeout(SENDING)]),
        });
        await response.body?.cancel();
        return judged(response.status, address.host);
      } catch (error) {
        return unreached(error, address.host);
      }
    },
  };
}

function judged(status: number, place: string): NewsSent {
  if (status >= 200 && status < 300) return { accepted: true };
  return {
    accepted: false,
    cause: `${place} answered ${status}`,
    remedy: REMEDIES[status] ?? 'Look at the log of the peer',
  };
}

const REMEDIES: Readonly<Record<number, string>> = {
  301: 'Write the address that it refers to',
  302: 'Write the address that it refers to; a page to sign in is no webhook',
  400: 'Check that the channel is of the right kind: webhook, teams or slack',
  401: 'Check the secret in the address or in headers',
  403: 'Check the secret in the address or in headers, and whether the webhook is switched off',
  404: 'The webhook may have been removed: make a new one and write its address',
  410: 'The webhook was removed: make a new one and write its address',
  429: 'It takes no more for now; it is tried again',
};

function unreached(error: unknown, place: string): NewsSent {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const cause = `${place} did not answer within ${SENDING / 1_000} s`;
    return { accepted: false, cause, remedy: 'Check the address, the proxy and the firewall' };
  }
  const { cause: beneath } = error as { readonly cause?: unknown };
  const { cause, remedy } = connectionCause(beneath ?? error, place);
  return { accepted: false, cause, remedy: remedy.replace(/the file named by trust/g, TRUST) };
}

/** Certificates are trusted as by Node.js itself. */
const TRUST = 'a file named by NODE_EXTRA_CA_CERTS';

const FORMS: Readonly<Record<WebhookSettings['kind'], (news: AlertNews) => object>> = {
  webhook: ({ key: _, ...news }) => news,
  slack: ({ subject, text, link }) => ({
    text: `*${slackText(subject)}*\n${slackText(text)}${link === undefined ? '' : `\n<${link}>`}`,
  }),
  teams: ({ subject, text, link, level, state }) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            {
              type: 'TextBlock',
              text: subject,
              weight: 'bolder',
              wrap: true,
              color: state === 'over' ? 'good' : level === 'error' ? 'attention' : 'warning',
            },
            ...text.split('\n').map((line) => ({ type: 'TextBlock', text: line, wrap: true })),
          ],
          ...(link === undefined
            ? {}
            : { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: link }] }),
        },
      },
    ],
  }),
};

/** Slack's own marks begin with `<`. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
