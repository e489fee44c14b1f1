import { connectionCause } from '../../../peer/connection-cause.ts';
import { type AlertChannel, type AlertNews, type NewsSent, SENDING } from './channel.ts';

export interface WebhookSettings {
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
