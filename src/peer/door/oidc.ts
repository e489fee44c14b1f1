export { isSignedOut } from '../oidc/logout-token.ts';
export {
  type OidcAnswer,
  type OidcAttempt,
  type OidcClient,
  type OidcTokens,
  oidcClient,
} from '../oidc/oidc-client.ts';
export { OidcProblem, toldInOidcStep } from '../oidc/oidc-problem.ts';
export { type SealedAttempts, sealedAttempts } from '../oidc/sealed-attempts.ts';
export { type TextSeal, textSeal } from '../oidc/text-seal.ts';
