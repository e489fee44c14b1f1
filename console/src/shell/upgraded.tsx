import { RefreshCw } from 'lucide-react';
import type { ReactElement } from 'react';
import { putOffUpgrade, useUpgraded } from '../api/upgrade.ts';
import { Button } from '../element/button.tsx';
import { t } from '../language/translate.ts';

/** That Waybill was upgraded below an open page. The page is not loaded again by itself: somebody may be typing. */
export function UpgradedBanner(): ReactElement | null {
  const what = useUpgraded();
  if (what === undefined) return null;
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-info-soft px-4 py-1.5 text-xs text-info"
    >
      <RefreshCw size={14} className="shrink-0" aria-hidden="true" />
      <span className="mr-auto">
        {what === 'missing'
          ? t(
              'What you opened is not there any more in this version of the page. Load it again; what is typed in it stays only until then.',
            )
          : t(
              'Waybill has been upgraded. This page is still of the version before; finish what you are typing, then load it again.',
            )}
      </span>
      <Button onClick={() => location.reload()}>{t('Load again')}</Button>
      <Button look="quiet" onClick={putOffUpgrade}>
        {t('Later ## load the page again')}
      </Button>
    </div>
  );
}
