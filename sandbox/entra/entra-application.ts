/** An app registration of the sandbox's tenant, with its service principal. */
export interface EntraApplication {
  readonly clientId: string;
  readonly name?: string;
  readonly secrets?: readonly EntraSecret[];
  /** PEM, RSA; as uploaded by an administrator. */
  readonly certificates?: readonly string[];
  readonly federated?: readonly FederatedCredential[];
  /** Resource → app roles granted by an administrator: `{ 'https://graph.microsoft.com': ['Mail.Send'] }`. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
  readonly disabled?: boolean;
}

export interface EntraSecret {
  readonly value: string;
  readonly expires?: Date;
}

/** Tokens of another issuer that represent the application (workload identity federation). */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  /** Default: `api://AzureADTokenExchange`. */
  readonly audience?: string;
  /** The issuer's public key, PEM; the real one fetches it from the issuer. */
  readonly publicKey: string;
}

/** Resources that exist in every tenant with Microsoft 365. */
export const WELL_KNOWN_RESOURCES: readonly string[] = [
  'https://graph.microsoft.com',
  'https://outlook.office365.com',
  'https://outlook.office.com',
];
