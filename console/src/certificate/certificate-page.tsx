import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Certificates } from '../../../src/operator/api/contract/storage.ts';
import { certificates as certificatesQuery } from '../api/queries.ts';
import { CopyButton } from '../element/copy-button.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { counted, day } from '../element/time-text.ts';

type Certificate = Certificates['certificates'][number];

const DAY = 86_400_000;

/** The certificates of the production's credentials: until when, from whom, and who uses them. */
export function CertificatePage(): ReactElement {
  const { data, error } = useQuery(certificatesQuery);
  return (
    <Page
      title="Certificates"
      detail={
        data !== undefined &&
        `${counted(data.certificates.length, 'credential')} with a certificate`
      }
    >
      <Pending answer={data} error={error} />
      {data?.certificates.length === 0 && (
        <Nothing>No credential of this production holds a certificate.</Nothing>
      )}
      <div className="flex flex-col gap-3">
        {data?.certificates.map((certificate) => (
          <Card key={certificate.credential} certificate={certificate} />
        ))}
      </div>
    </Page>
  );
}

function Card({
  certificate: { credential, problem, chain, usedBy },
}: {
  readonly certificate: Certificate;
}): ReactElement {
  return (
    <section className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
        <h2>{credential}</h2>
        <span className="text-xs text-ink-2">
          used by {usedBy.length === 0 ? 'no host' : ''}
          {usedBy.map((host) => (
            <Link
              key={host}
              to="/hosts/$host"
              params={{ host }}
              className="mr-1.5 text-accent hover:underline"
            >
              {host}
            </Link>
          ))}
        </span>
      </div>
      {problem !== undefined && <p className="px-3 py-2 text-bad">{problem}</p>}
      {chain.map(({ subject, issuer, names, notBefore, notAfter, fingerprint }, index) => (
        <dl
          key={fingerprint}
          className="grid grid-cols-[6rem_minmax(0,1fr)] gap-y-0.5 border-t border-line px-3 py-2 text-xs first-of-type:border-0"
        >
          <dt className="text-ink-2">{index === 0 ? 'Certificate' : 'Issuer'}</dt>
          <dd className="font-medium break-words">{subject.replaceAll('\n', ', ')}</dd>
          <dt className="text-ink-2">Valid</dt>
          <dd>
            {day(notBefore)} to {day(notAfter)} <Left until={notAfter} />
          </dd>
          {names.length > 0 && (
            <>
              <dt className="text-ink-2">Names</dt>
              <dd className="break-words">{names.join(', ')}</dd>
            </>
          )}
          <dt className="text-ink-2">Issued by</dt>
          <dd className="break-words">{issuer.replaceAll('\n', ', ')}</dd>
          <dt className="text-ink-2">Fingerprint</dt>
          <dd className="flex items-center gap-1 font-mono text-2xs break-all">
            {fingerprint.match(/../g)?.join(':') ?? fingerprint}{' '}
            <CopyButton text={fingerprint} label="Copy the fingerprint" />
          </dd>
        </dl>
      ))}
    </section>
  );
}

function Left({ until }: { readonly until: number }): ReactElement {
  const days = Math.floor((until - Date.now()) / DAY);
  if (days < 0) return <strong className="text-bad">ended</strong>;
  return (
    <span className={days < 30 ? 'font-semibold text-warn' : 'text-ink-2'}>
      {counted(days, 'day')} left
    </span>
  );
}
