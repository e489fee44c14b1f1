import { setTimeout as sleep } from 'node:timers/promises';
import type { Grant, Grants, IssuedGrant, SignInTools } from 'waybill/adapter';
import { type HttpReply, type Incoming, Refusal } from 'waybill/peer/http-server';
import type { OidcAttempt, OidcClient } from 'waybill/peer/oidc';
import { providerRefusal, type User } from 'waybill/peer/sign-in';
import { AwayAndBack } from './away-and-back.ts';
import type { SignInValues } from './sign-in-settings.ts';
import { addressOf, type Ehr, type EhrLent, ehrOf, scopesOf } from './smart/ehr.ts';
import { EhrSessions } from './smart/ehr-sessions.ts';
import { ehrTokens, keptLaunch, launchedPerson } from './smart/launch-grant.ts';
import type { SmartValues } from './smart/smart-settings.ts';

type LentHere = EhrLent & {
  readonly signIn: SignInTools;
  readonly event: (level: 'warn', code: string, text: string) => void;
};

/** A launch that was sent to its EHR and has not come back. */
interface Waiting {
  readonly attempt: OidcAttempt;
  readonly back: string;
  /** The base address of the EHR's FHIR server. */
  readonly fhir: string;
}

/** What the desk lends to it. */
interface Desk {
  readonly realm: string;
  readonly grants: Grants;
  /** The cookies of a launch. */
  given(issued: IssuedGrant, user: User): Promise<readonly string[]>;
  /** Takes back the cookies of the oldest launches of a browser that has too many, and ends them. */
  tooMany(incoming: Incoming): Promise<readonly string[]>;
}

/** Milliseconds that somebody who signs out waits for an EHR. */
const PATIENCE = 2_000;
/** Longer than an attempt can be opened. */
const REMEMBERED = 11 * 60_000;
/** A launch token is opaque; headers and addresses have limits. */
const LONGEST_LAUNCH = 6_000;

/** Takes launches of SMART on FHIR: from an EHR, or begun by a person at the app. */
export class LaunchDesk {
  readonly sessions: EhrSessions;
  readonly #lent: LentHere;
  readonly #smart: SmartValues;
  readonly #desk: Desk;
  readonly #ehrs: readonly Ehr[];
  readonly #way: AwayAndBack<Waiting>;

  constructor(lent: LentHere, settings: SignInValues, smart: SmartValues, desk: Desk) {
    const { realm, grants } = desk;
    const { keys } = lent.signIn;
    this.#lent = lent;
    this.#smart = smart;
    this.#desk = desk;
    this.#ehrs = smart.ehrs
      .filter((one) => one !== undefined)
      .map((one) => ehrOf(lent, one, settings.path));
    const framed = smart.framedBy.length > 0;
    const purpose = 'launching';
    this.#way = new AwayAndBack({ settings, keys, realm, purpose, callback: 'launched', framed });
    const { key } = settings;
    const { event } = lent;
    this.sessions = new EhrSessions({ grants, keys, key, realm, ehrs: this.#ehrs, event });
  }

  /** Sends the browser to the EHR: with `launch` of the EHR, or without, so that a person chooses the patient there. */
  async begin(incoming: Incoming): Promise<HttpReply> {
    this.#checkFrame(incoming);
    const { query } = incoming;
    const launch = query.get('launch');
    const ehr = this.#ehrFor(query.get('iss'), launch !== null);
    if ((launch ?? '').length > LONGEST_LAUNCH) throw new Refusal(400, 'launch is too long.');
    const asked = {
      scope: scopesOf(ehr.values, launch !== null),
      // as the EHR writes it itself
      aud: query.get('iss') ?? ehr.fhir,
      ...(launch !== null && { launch }),
    };
    const back = this.#way.backOf(query.get('back'));
    const redirect = this.#way.redirect(incoming);
    const { url, attempt } = await asking(ehr, (client) => client.start(redirect, asked));
    const waiting = { attempt, back, fhir: ehr.fhir };
    return this.#way.leave(incoming, { url, state: attempt.state, waiting });
  }

  /** Takes the browser back from the EHR, signed in for the patient of the launch. */
  callback(incoming: Incoming): Promise<HttpReply> {
    return this.#way.returned(incoming, async (waiting) => {
      const { grant, cookies } = await this.#launched(incoming, waiting);
      return { to: withLaunch(waiting.back, grant.id), cookies };
    });
  }

  /** Has the EHR take its tokens back; the person is signed out here all the same. */
  async signOut(grant: Grant): Promise<void> {
    const late = sleep(PATIENCE, 'it has not answered within 2 s', { ref: false });
    // it goes on being asked, but nobody waits for it
    const problem = await Promise.race([this.sessions.revoke(grant), late]);
    if (problem === undefined) return;
    this.#lent.event(
      'warn',
      'launch-not-revoked',
      `Somebody has signed out, but the tokens of the EHR are good until they expire: ${problem}.`,
    );
  }

  /** The public halves of what signs the app's sign-ins at EHRs. */
  async clientKeys(): Promise<readonly object[]> {
    const names = this.#ehrs.flatMap(({ values: { clientKey } }) => clientKey ?? []);
    const { keys } = this.#lent.signIn;
    return (await Promise.all([...new Set(names)].map((name) => keys.published(name)))).flat();
  }

  async #launched(
    incoming: Incoming,
    { attempt, fhir }: Waiting,
  ): Promise<{ readonly grant: Grant; readonly cookies: readonly string[] }> {
    const { grants } = this.#desk;
    const ehr = this.#ehrs.find((one) => one.fhir === fhir);
    if (ehr === undefined) throw foreign(new URL(fhir));
    if (!(await grants.once(`launch ${attempt.state}`, Date.now() + REMEMBERED))) {
      throw new Refusal(400, 'This launch has already been answered. Launch the app again.');
    }
    const answer = new URL(attempt.redirect);
    answer.search = incoming.query.toString();
    if (answer.searchParams.get('error') === 'access_denied') {
      throw new Refusal(
        403,
        'The EHR did not let the app in: it was denied there, or you may not use it.',
        {
          told: `${fhir} says access_denied: the person denied it, or a rule of the EHR does`,
        },
      );
    }
    const told = await asking(ehr, (client) => client.finish(answer, attempt, ['sub']));
    const user = launchedPerson(told, fhir);
    const sealed = await this.sessions.sealed(ehrTokens(told.tokens, Date.now()));
    const launch = { fhir, claims: user.claims, sealed };
    const issued = await grants.begin({ subject: user.name, claims: keptLaunch(launch) });
    const { grant } = issued;
    try {
      const cookies = await this.#desk.given(issued, user);
      return { grant, cookies: [...(await this.#desk.tooMany(incoming)), ...cookies] };
    } catch (error) {
      // nobody holds it: what it says does not fit into a cookie, or nothing could be signed
      await grants.end({ id: grant.id });
      await this.signOut(grant);
      throw error;
    }
  }

  /** Only one that is known: a link to here may name any server. */
  #ehrFor(iss: string | null, isFromEhr: boolean): Ehr {
    if (iss === null) {
      const [only, ...others] = this.#ehrs;
      if (isFromEhr) throw new Refusal(400, 'iss is missing: the EHR does not say who it is.');
      if (only !== undefined && others.length === 0) return only;
      throw new Refusal(400, 'iss is missing: it says at which of several EHRs to sign in.');
    }
    const url = URL.parse(iss);
    const known = url && this.#ehrs.find((one) => one.fhir === addressOf(url));
    if (known) return known;
    throw foreign(url);
  }

  /** Browsers keep no usual cookie for a frame in a page of another site. */
  #checkFrame({ headers }: Incoming): void {
    const isFrame = headers['sec-fetch-dest'] === 'iframe';
    const isOthers = headers['sec-fetch-site'] === 'cross-site';
    if (!isFrame || !isOthers || this.#smart.framedBy.length > 0) return;
    throw new Refusal(403, 'The app cannot be used in a frame of this page.', {
      told: 'a page of another site, such as an EHR, launches the app in a frame, and browsers keep no cookies there: list its origin under framedBy',
    });
  }
}

function foreign(url: URL | null): Refusal {
  const named =
    url === null
      ? 'something that is no address'
      : `${url.protocol}//${url.host}${url.pathname}`.slice(0, 150);
  return new Refusal(403, 'The app is not launched from this server. Ask those who run it.', {
    told: `a launch names ${named} as its EHR (iss), which is not the address of any of ehrs`,
  });
}

async function asking<Value>(
  ehr: Ehr,
  work: (client: OidcClient) => Promise<Value>,
): Promise<Value> {
  try {
    return await work(await ehr.client());
  } catch (error) {
    const refusal = providerRefusal(error);
    if (!(refusal instanceof Refusal) || refusal.status !== 401) throw refusal;
    throw new Refusal(
      401,
      'The launch did not work. Launch the app again; those who run it can see why.',
      { told: refusal.told },
    );
  }
}

/** The page knows by its address which launch it belongs to, also after a reload. */
function withLaunch(back: string, id: string): string {
  const url = new URL(back, 'http://nobody.invalid');
  url.searchParams.set('launched', id);
  return `${url.pathname}${url.search}${url.hash}`;
}
