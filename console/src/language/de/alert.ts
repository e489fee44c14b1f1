import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Alerts: 'Alarme',
  '{count} that are over': '{count} {count|beendeter|beendete}',
  'none open': 'keine offen',
  '{count} {count|alert|alerts} open': '{count} {count|Alarm|Alarme} offen',
  'Show what is open': 'Offene zeigen',
  'Show what is over': 'Beendete zeigen',
  'No alert has ended yet.': 'Noch kein Alarm ist beendet.',
  'Everything is as it should be. What Waybill watches is set per host under alert: in the production.':
    'Alles ist, wie es sein soll. Was Waybill überwacht, steht je Host unter alert: in der Produktion.',
  'since {time}': 'seit {time}',
  'last seen {time}': 'zuletzt {time}',
  'over after {duration}': 'beendet nach {duration}',
  '{owner} has it': '{owner} kümmert sich',
  'put off until {time}': 'zurückgestellt bis {time}',
  'I have it': 'Ich kümmere mich',
  'Put off 1 h': '1 h zurückstellen',
};
