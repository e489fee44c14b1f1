export { directoryFaults, directorySettings } from '../sign-in/directory-settings.ts';
export { tryDirectoryUsers } from '../sign-in/directory-users.ts';
export { KnownUsers } from '../sign-in/known-users.ts';
export { nobodyNow } from '../sign-in/nobody-now.ts';
export type { PageLanguage } from '../sign-in/page.ts';
export { escaped, htmlPage, inLanguage, pageLanguage, refusalPage } from '../sign-in/page.ts';
export {
  type ProviderValues,
  providerFaults,
  providerSettings,
} from '../sign-in/provider-settings.ts';
export {
  isSignedOutThere,
  neededClaims,
  providerClient,
  providerGrant,
  providerPerson,
  providerRefusal,
  tryProvider,
} from '../sign-in/provider-users.ts';
export { scopeClaim, scopeMap } from '../sign-in/scope-map.ts';
export { ownClaims, type User } from '../sign-in/user.ts';
