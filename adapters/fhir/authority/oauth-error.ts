import { type HttpReply, Refusal } from 'waybill/peer/http-server';

/** An error of OAuth 2.0 (RFC 6749, 5.2), told to the application. */
export class OAuthError extends Refusal {
  readonly error: string;

  constructor(error: string, description: string, status = 400) {
    const told = status === 401 ? `an application was refused: ${description}` : undefined;
    super(status, description, { told });
    this.error = error;
  }
}

/** How an application reads it. */
export function oauthReply({ error, message, status }: OAuthError): HttpReply {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(status === 401 && { 'www-authenticate': 'Basic realm="waybill"' }),
    },
    body: JSON.stringify({ error, error_description: message }),
  };
}
