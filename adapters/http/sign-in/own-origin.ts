import type { CorsPolicy } from 'waybill/peer/http-server';
import type { SignInValues } from './sign-in-settings.ts';

/** Whose pages may use cookies: those that may call from elsewhere, and those of the address that a proxy shows. */
export function ownOrigin(
  cors: CorsPolicy | undefined,
  signIn: Pick<SignInValues, 'publicUrl'> | undefined,
): CorsPolicy | undefined {
  const own = signIn?.publicUrl?.origin;
  if (own === undefined) return cors;
  const listed = cors?.origins.filter((one) => one !== '*') ?? [];
  return {
    headers: [],
    expose: [],
    credentials: false,
    maxAge: 0,
    ...cors,
    origins: [...listed, own],
  };
}
