import { setTimeout as sleep } from 'node:timers/promises';
import {
  DisableError,
  EngineError,
  type Grant,
  type Grants,
  type Launched,
  type Launches,
  type SignInTools,
  SuspendError,
  type TokenCredential,
} from 'waybill/adapter';
import { Refusal } from 'waybill/peer/http-server';
import { OidcProblem, type TextSeal, textSeal } from 'waybill/peer/oidc';
import { providerRefusal } from 'waybill/peer/sign-in';
import type { Ehr } from './ehr.ts';
import {
  type EhrTokens,
  ehrTokens,
  keptLaunch,
  type LaunchGrant,
  launchGrant,
} from './launch-grant.ts';

/** How long one engine may take to renew a token before another one tries it. */
const RENEWING = 20_000;
const LOOK_EVERY = 100;

interface Sessions {
  readonly grants: Grants;
  readonly keys: SignInTools['keys'];
  /** The credential that signs the access tokens: what seals those of EHRs is made of it. */
  readonly key: string;
  readonly realm: string;
  readonly ehrs: readonly Ehr[];
  readonly event: (level: 'warn', code: string, text: string) => void;
}

/** The token for asking an EHR, and which EHR. */
export interface EhrAccess {
  readonly ehr: Ehr;
  readonly access: string;
}

/** The tokens of EHRs behind the sign-ins: kept sealed, renewed by one engine at a time, revoked at the end. */
export class EhrSessions {
  readonly #parts: Sessions;
  /** Renewals of this engine that are under way, by the id of the grant. */
  readonly #under = new Map<string, Promise<EhrAccess>>();
  #seal: Promise<TextSeal> | undefined;

  constructor(parts: Sessions) {
    this.#parts = parts;
  }

  async sealed(tokens: EhrTokens): Promise<string> {
    return (await this.#seals()).seal(JSON.stringify(tokens));
  }

  /**
   * The access token of a sign-in, renewed if it ends soon or is `stale`: the EHR has refused it. Throws the Refusal of a
   * sign-in that is over.
   */
  async access(grant: Grant, stale?: string): Promise<EhrAccess> {
    const { launch, ehr } = this.#launchOf(grant);
    const tokens = await this.#opened(launch);
    if (isGood(tokens, stale)) return { ehr, access: tokens.access };
    const under = this.#under.get(grant.id) ?? this.#renewed(grant.id, tokens.access);
    this.#under.set(grant.id, under);
    try {
      return await under;
    } finally {
      if (this.#under.get(grant.id) === under) this.#under.delete(grant.id);
    }
  }

  /** For operations that ask an EHR as the person who sent a message. */
  lent(): Launches {
    return {
      find: async (id) => {
        const grant = await this.#parts.grants.find(id);
        const launch = grant && launchGrant(grant);
        if (grant === undefined || launch === undefined) return undefined;
        const isKnown = this.#parts.ehrs.some(({ fhir }) => fhir === launch.fhir);
        return isKnown ? this.#lentOf(grant, launch) : undefined;
      },
    };
  }

  #lentOf(grant: Grant, { fhir, claims }: LaunchGrant): Launched {
    const { scope } = claims;
    let last: string | undefined;
    const token: TokenCredential['token'] = async (_, { fresh = false } = {}) => {
      try {
        last = (await this.access(grant, fresh ? last : undefined)).access;
        return last;
      } catch (error) {
        // the one who asks hears no more than that it did not work
        if (error instanceof Refusal && error.told !== undefined) this.#notRenewed(error.told);
        throw asOperationHears(error, this.#parts.ehrs.length);
      }
    };
    return {
      fhir,
      granted: typeof scope === 'string' ? scope : undefined,
      credential: { kind: 'oauth2', token },
    };
  }

  /** Has the tokens of a sign-in revoked; resolves to why that was not possible. */
  async revoke(grant: Grant): Promise<string | undefined> {
    const launch = launchGrant(grant);
    const ehr = launch && this.#parts.ehrs.find((one) => one.fhir === launch.fhir);
    if (launch === undefined || ehr === undefined) return undefined;
    try {
      const text = (await this.#seals()).open(launch.sealed);
      if (text === undefined) return undefined;
      const { access, refresh } = JSON.parse(text) as EhrTokens;
      const client = await ehr.client();
      await client.revoke(...(refresh === undefined ? [] : [refresh]), access);
      return undefined;
    } catch (error) {
      if (error instanceof OidcProblem) return `${error.why}; ${error.remedy}`;
      if (error instanceof EngineError) return error.message;
      throw error;
    }
  }

  #launchOf(grant: Grant): { readonly launch: LaunchGrant; readonly ehr: Ehr } {
    const launch = launchGrant(grant);
    if (launch === undefined) {
      throw new Refusal(403, 'This sign-in was not launched at an EHR, so there is none to ask.');
    }
    const ehr = this.#parts.ehrs.find((one) => one.fhir === launch.fhir);
    if (ehr === undefined) {
      throw over('The EHR of this launch is not known here any more.', {
        told: `somebody who was launched from ${launch.fhir} asks for it, which is not among ehrs any more`,
      });
    }
    return { launch, ehr };
  }

  async #opened({ sealed }: LaunchGrant): Promise<EhrTokens> {
    const text = (await this.#seals()).open(sealed);
    // another key signs now
    if (text === undefined) throw over(OVER);
    return JSON.parse(text) as EhrTokens;
  }

  async #renewed(id: string, stale: string): Promise<EhrAccess> {
    const { grants } = this.#parts;
    for (const end = Date.now() + RENEWING + 5_000; Date.now() < end; await sleep(LOOK_EVERY)) {
      const grant = await grants.find(id);
      if (grant === undefined) throw over(OVER);
      const { launch, ehr } = this.#launchOf(grant);
      const tokens = await this.#opened(launch);
      if (isGood(tokens, stale) || tokens.access !== stale) return { ehr, access: tokens.access };
      if (tokens.refresh === undefined) throw over(OVER);
      if (await this.#isMine(id, launch)) return this.#asked({ id, ehr, launch, tokens });
    }
    throw new Refusal(503, 'The EHR cannot be asked now. Try again soon.', AGAIN);
  }

  /** Whether this engine is to renew it: of two that ask an EHR with the same refresh token, one would end the session. */
  async #isMine(id: string, { sealed }: LaunchGrant): Promise<boolean> {
    let isMine = false;
    await this.#parts.grants.change(id, (claims) => {
      const launch = launchGrant({ claims });
      const now = Date.now();
      isMine = launch?.sealed === sealed && (launch.renewing ?? 0) <= now;
      return launch === undefined || !isMine
        ? undefined
        : { ...claims, ...keptLaunch({ ...launch, renewing: now + RENEWING }) };
    });
    return isMine;
  }

  async #asked({ id, ehr, launch, tokens }: Renewal): Promise<EhrAccess> {
    const { grants } = this.#parts;
    const put = (change: Partial<LaunchGrant>): Promise<Grant | undefined> =>
      grants.change(id, (claims) => ({
        ...claims,
        ...keptLaunch({ ...launch, ...change, renewing: undefined }),
      }));
    try {
      const client = await ehr.client();
      const next = await client.refresh(tokens.refresh ?? '');
      const { patient } = next.told;
      const before = launch.claims['patient'];
      if (typeof patient === 'string' && patient.replace(/^Patient\//, '') !== before) {
        await grants.end({ id });
        this.#told(`${ehr.fhir} gave a token for another patient than that of the launch`);
        throw over(OVER);
      }
      const kept = ehrTokens(next, Date.now(), tokens);
      const still = await put({ sealed: await this.sealed(kept) });
      if (still === undefined) {
        // signed out meanwhile: nobody would take them back
        await client.revoke(...(next.refresh === undefined ? [] : [next.refresh]), next.access);
        throw over(OVER);
      }
      return { ehr, access: kept.access };
    } catch (error) {
      if (error instanceof OidcProblem && error.said === 'invalid_grant') {
        await grants.end({ id });
        throw over(OVER);
      }
      if (!(error instanceof Refusal)) await put({});
      if (error instanceof OidcProblem && OF_THE_APP.has(error.said)) {
        throw new AppRefused(`${ehr.fhir} does not accept this app: ${error.why}; ${error.remedy}`);
      }
      throw providerRefusal(error);
    }
  }

  #notRenewed(why: string): void {
    this.#parts.event('warn', 'launch-not-renewed', `No token of an EHR for an operation: ${why}.`);
  }

  #told(text: string): void {
    this.#parts.event('warn', 'launch-ended', `A launch was ended: ${text}.`);
  }

  async #seals(): Promise<TextSeal> {
    const { keys, key, realm } = this.#parts;
    this.#seal ??= keys.derived(key, `tokens of EHRs of ${realm}`).then(textSeal);
    try {
      return await this.#seal;
    } catch (error) {
      this.#seal = undefined;
      throw error;
    }
  }
}

interface Renewal {
  readonly id: string;
  readonly ehr: Ehr;
  readonly launch: LaunchGrant;
  readonly tokens: EhrTokens;
}

/** What a token endpoint answers where it is the app that it does not accept, whoever asks. */
const OF_THE_APP: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);

/** Everybody's next token is refused, and nobody's session is over. */
export class AppRefused extends Refusal {
  constructor(told: string) {
    super(502, 'The EHR does not accept this app. Those who run it can see why.', { told });
  }
}

/**
 * What a person has to mend stops the operation, as everywhere; it would fail one message after another. Where one of several
 * EHRs does not accept the app, those of the others go on.
 */
export function asOperationHears(error: unknown, ehrs: number): unknown {
  if (error instanceof AppRefused) {
    const text = error.told ?? error.message;
    return ehrs > 1
      ? new SuspendError(
          `${text}. Mend that at the service that takes the launches, then resend what was suspended.`,
          { cause: error },
        )
      : new DisableError(
          `${text}. Mend that at the service that takes the launches, then start this operation.`,
          { cause: error },
        );
  }
  const isOurs = error instanceof EngineError && !(error instanceof Refusal) && !error.retryable;
  if (!isOurs || !error.code.startsWith('CREDENTIAL_')) return error;
  return new DisableError(error.message, { cause: error });
}

const AGAIN = { headers: { 'retry-after': '5' } };

const OVER = 'The session at the EHR is over. Launch the app again.';

const over = (text: string, more: { readonly told?: string } = {}): Refusal =>
  new Refusal(401, text, {
    headers: { 'www-authenticate': 'Bearer realm="waybill", error="invalid_token"' },
    ...more,
  });

const isGood = ({ access, until }: EhrTokens, stale: string | undefined): boolean =>
  access !== stale && (until === undefined || Date.now() < until);
