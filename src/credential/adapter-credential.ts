import type { Credential, TokenCredential } from '../adapter/credential.ts';
import { loadCertificate } from './certificate.ts';
import { concealed } from './concealed.ts';
import { CredentialError } from './credential-error.ts';
import type { EntryReader } from './entry-reader.ts';
import type { Jwt } from './jwt/jwt.ts';
import type { CredentialValues } from './kind/credential-kinds.ts';
import type { TokenProviders } from './oauth2/token-providers.ts';
import { readPem } from './read-pem.ts';

export interface AdapterCredentialParts {
  readonly reader: EntryReader;
  readonly tokens: TokenProviders;
  /** What signs with an entry of kind `jwt-key`. */
  readonly jwtOf: (name: string) => Promise<Jwt>;
}

/** The values of an entry as adapters get them: their secrets can be read and are never printed. */
export async function adapterCredential(
  name: string,
  values: CredentialValues,
  parts: AdapterCredentialParts,
): Promise<Credential> {
  switch (values.kind) {
    case 'basic': {
      const { kind, user, password } = values;
      return concealed({ kind, user }, { password });
    }
    case 'ntlm': {
      const { kind, user, password, domain, workstation } = values;
      const place = { ...(domain && { domain }), ...(workstation && { workstation }) };
      return concealed({ kind, user, ...place }, { password });
    }
    case 'ssh-key':
      return sshKey(name, values);
    case 'certificate':
      return (await loadCertificate(name, { ...values, files: parts.reader.files(name) }))
        .credential;
    case 'bearer':
      return fixedToken(name, values, parts.reader);
    case 'oauth2':
      return fetchedToken(name, values.user, parts.tokens);
    case 'jwt-key':
      return signedToken(name, parts);
    case 'introspection':
      break;
  }
  throw new CredentialError('CREDENTIAL_REFUSED', name, {
    cause: `it is of kind ${values.kind}, with which no peer can be signed in to`,
    remedy: 'It checks what callers show: name it as verifier, and another credential here',
  });
}

type ValuesOfKind<K extends CredentialValues['kind']> = Extract<CredentialValues, { kind: K }>;

async function sshKey(name: string, values: ValuesOfKind<'ssh-key'>): Promise<Credential> {
  const { kind, user, passphrase, password } = values;
  const { text } = await readPem(name, 'privateKey', values.privateKey);
  if (!text.includes('PRIVATE KEY-----') && !text.startsWith('PuTTY-User-Key-File')) {
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: 'privateKey is not a private key, perhaps the public half of one',
      remedy: 'Give the file without .pub at its end',
    });
  }
  return concealed(
    { kind, user },
    {
      privateKey: text,
      ...(passphrase !== undefined && { passphrase }),
      ...(password !== undefined && { password }),
    },
  );
}

/** `fresh` reads the value again: somebody may have set a new token. */
function fixedToken(
  name: string,
  { kind, token, user }: ValuesOfKind<'bearer'>,
  reader: EntryReader,
): TokenCredential {
  let current = token;
  return Object.freeze({
    kind,
    ...(user !== undefined && { user }),
    async token(signal: AbortSignal, { fresh = false }: { readonly fresh?: boolean } = {}) {
      signal.throwIfAborted();
      if (fresh) current = (await reader.readKind(name, kind, 'a fixed token')).token;
      return current;
    },
  });
}

/** Signed anew for each request, so that none can be played again. */
function signedToken(name: string, { jwtOf }: AdapterCredentialParts): TokenCredential {
  return Object.freeze({
    kind: 'bearer' as const,
    async token(signal: AbortSignal) {
      signal.throwIfAborted();
      return (await jwtOf(name)).sign({});
    },
  });
}

/** Asks by name each time, so that it outlives a change of the production. */
function fetchedToken(
  name: string,
  user: string | undefined,
  tokens: TokenProviders,
): TokenCredential {
  return Object.freeze({
    kind: 'oauth2' as const,
    ...(user !== undefined && { user }),
    token: (signal: AbortSignal, options?: { readonly fresh?: boolean }) =>
      tokens.of(name).token(signal, options),
    notGranted: () => tokens.of(name).notGranted(),
  });
}
