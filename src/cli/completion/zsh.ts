import { quoted } from '../../support/shell.js';
import { nameOption, type Shape } from './shape.js';

const described = (all: readonly { word: string; description: string }[]): string =>
  all.map(({ word, description }) => quoted(`${word}:${description}`)).join(' ');

/** After compinit; `npx jest-kubernetes` is completed where nobody else completes npx. */
export const zsh = ({ commands, options }: Shape): string => `#compdef jest-kubernetes
# jest-kubernetes in zsh
_jest_kubernetes() {
  local first=1 names=
  local -a found
  if [[ \${words[1]:t} == npx ]]; then
    if [[ \${words[2]} != jest-kubernetes || CURRENT -le 2 ]]; then _default; return; fi
    first=2
  fi
  if (( CURRENT == first + 1 )); then
    found=(${described([...commands, ...options])})
  else
    case \${words[first+1]} in
${commands.map(({ word, options: own, values, takesName }) => `      ${word}) found=(${[described(own), ...values].join(' ')})${takesName ? ' names=1' : ''} ;;`).join('\n')}
    esac
  fi
  [[ \${words[CURRENT-1]} == ${nameOption} ]] && found=() names=1
  _describe jest-kubernetes found
  [[ -n $names && $PREFIX != -* ]] && compadd -- \${(f)"$(\${words[1,first]} cluster-names 2>/dev/null)"}
}
(( $+functions[compdef] )) && compdef _jest_kubernetes jest-kubernetes
(( $+functions[compdef] )) && [[ -z \${_comps[npx]} ]] && compdef _jest_kubernetes npx
true`;
