import { type SettingsFault, setting } from 'waybill/adapter';
import { httpClientSettings } from 'waybill/peer/http';

const { tls, proxy, proxyCredential, timeout, connectTimeout } = httpClientSettings;

/** How to reach a container: the same for both directions. */
export const azureSettings = {
  account: setting.optional(
    setting.text({
      help: 'The storage account: its server is <account>.blob.core.windows.net. May be left out with endpoint or a connection string.',
      example: 'hospitallab',
    }),
  ),
  container: setting.text({ help: 'The name of the container.', example: 'lab-exchange' }),
  endpoint: setting.optional(
    setting.url({
      help: 'The address of the blob service, if it is another: another cloud, a private endpoint, a domain of your own, Azure Stack, Azurite.',
      example: 'https://hospitallab.blob.core.usgovcloudapi.net',
    }),
  ),
  credential: setting.credential({
    help: 'How to sign in. basic: the account and one of its keys; bearer: a shared access signature (SAS) or a connection string; oauth2: Entra, with scope https://storage.azure.com/.default.',
    example: 'lab-exchange-key',
    kinds: ['basic', 'bearer', 'oauth2'],
  }),
  tls,
  proxy,
  proxyCredential,
  timeout,
  connectTimeout,
};

export type AzureValues = setting.ValuesOf<typeof azureSettings>;

/** Problems between the settings. Where a connection string says where the account is, only opening can tell. */
export function azureFaults({ endpoint, container }: AzureValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (!/^(\$root|\$web|[a-z0-9](?:-?[a-z0-9])+)$/.test(container) || container.length > 63) {
    faults.push({
      path: ['container'],
      what: 'is not the name of a container',
      remedy: 'It has 3 to 63 lower-case letters, digits and single hyphens.',
    });
  }
  if (endpoint?.protocol === 'http:') {
    faults.push({
      path: ['endpoint'],
      what: 'is without TLS: anyone on the network path can read the blobs',
      remedy: 'Use https.',
      severity: 'warning',
    });
  }
  return faults;
}
