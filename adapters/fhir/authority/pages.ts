import type { HttpReply } from 'waybill/peer';
import { escaped, htmlPage } from 'waybill/peer';
import type { AuthorizationRequest } from './authorization-request.ts';

interface Form {
  readonly action: string;
  /** Sealed: what the application asks for, and who the person is once that is known. */
  readonly sealed: string;
  readonly cookies: readonly string[];
}

const LEVELS: Readonly<Record<string, string>> = {
  patient: 'of the chosen patient',
  user: 'of the patients that you may see',
};
const LETTERS: Readonly<Record<string, string>> = {
  c: 'create',
  r: 'read',
  u: 'change',
  d: 'delete',
  s: 'search',
  read: 'read and search',
  write: 'create, change and delete',
  '*': 'read, search, create, change and delete',
};
const OTHERS: Readonly<Record<string, string>> = {
  openid: 'who you are',
  fhirUser: 'your own record',
  profile: 'your name',
  offline_access: 'all of this also when you are not there',
};

/** A scope in words; undefined for one that only says how an application is launched. */
function words(scope: string): string | undefined {
  const [, level = '', type = '', letters = ''] = /^(\w+)\/([\w*]+)\.(.+)$/.exec(scope) ?? [];
  if (level === '') return OTHERS[scope];
  const acts =
    LETTERS[letters] ??
    letters
      .split('')
      .map((one) => LETTERS[one] ?? one)
      .join(', ');
  return `${acts}: ${type === '*' ? 'all records' : type} ${LEVELS[level] ?? ''}`;
}

const listOf = (scopes: readonly string[]): string =>
  scopes
    .flatMap((one) => words(one) ?? [])
    .map((one) => `<li>${escaped(one)}</li>`)
    .join('');

const formOf = ({ action, sealed }: Form, content: string): string =>
  `<form method="post" action="${escaped(action)}"><input type="hidden" name="request" value="${escaped(sealed)}">${content}<button name="decision" value="allow">Allow</button><button name="decision" value="deny" formnovalidate>Deny</button></form>`;

interface SignIn {
  /** Who has signed in already. */
  readonly person: string | undefined;
  /** The host of the OpenID provider. */
  readonly provider: string | undefined;
  readonly refused: { readonly status: number; readonly text: string } | undefined;
}

/** Where a person signs in and lets an application in. */
export function signInPage(
  { title, scopes }: AuthorizationRequest,
  form: Form,
  { person, provider, refused }: SignIn,
): HttpReply {
  const other = person === undefined && provider !== undefined ? atProvider(form, provider) : '';
  const told = refused === undefined ? '' : `<p role="alert">${escaped(refused.text)}</p>`;
  return htmlPage(
    title,
    `<p>This application asks for:</p><ul>${listOf(scopes)}</ul>${told}${other}${formOf(
      form,
      person === undefined ? PASSWORD : `<p>You are signed in as ${escaped(person)}.</p>`,
    )}`,
    { status: refused?.status ?? 200, headers: { 'set-cookie': [...form.cookies] } },
  );
}

const PASSWORD =
  '<label>Name <input name="user" autocomplete="username" required></label><label>Password <input name="password" type="password" autocomplete="current-password" required></label>';

/** A form of its own: Enter in the other one is not for it. */
const atProvider = ({ action, sealed }: Form, host: string): string =>
  `<form method="post" action="${escaped(action)}"><input type="hidden" name="request" value="${escaped(sealed)}"><button name="decision" value="provider">Sign in at ${escaped(host)}</button></form>`;

/** Where a person chooses for which patient. */
export const patientPage = (
  { title }: AuthorizationRequest,
  form: Form,
  patients: readonly string[],
): HttpReply =>
  htmlPage(
    title,
    `<p>For which patient?</p>${formOf(
      form,
      patients
        .map(
          (id) =>
            `<label><input type="radio" name="patient" value="${escaped(id)}" required> ${escaped(id)}</label>`,
        )
        .join(''),
    )}`,
    { headers: { 'set-cookie': [...form.cookies] } },
  );
