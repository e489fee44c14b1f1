import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach a mailbox through Microsoft Graph: the same for both directions. */
export const graphSettings = {
  url: setting.url({
    help: 'Microsoft Graph, with the version. National clouds have other addresses: https://graph.microsoft.us/v1.0, https://microsoftgraph.chinacloudapi.cn/v1.0.',
    default: 'https://graph.microsoft.com/v1.0',
    advanced: true,
  }),
  credential: setting.credential({
    help: 'The application that signs in: a credential of kind oauth2 with provider entra and scope https://graph.microsoft.com/.default.',
    example: 'graph',
    kinds: ['oauth2', 'bearer'],
  }),
  mailbox: setting.text({
    help: 'The mailbox, by its address. The application needs access to it: application permissions with the consent of an administrator, best limited to this mailbox (RBAC for Applications).',
    example: 'noreply@hospital.example',
  }),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  proxy: setting.optional(
    setting.url({
      help: 'HTTP proxy for outgoing requests. Large attachments go to outlook.office.com, which must also be reachable.',
      example: 'http://proxy.hospital.example:3128',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long one request may take.',
    default: '30s',
    advanced: true,
  }),
};

export type GraphSettings = typeof graphSettings;
export type GraphValues = setting.ValuesOf<GraphSettings>;
