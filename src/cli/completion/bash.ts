import { nameOption, type Shape } from './shape.js';

const words = (all: readonly { word: string }[]): string => all.map(({ word }) => word).join(' ');

/** For bash 3.2 and later, macOS's too; `npx jest-kubernetes` is completed where nobody else completes npx. */
export const bash = ({ commands, options }: Shape): string => `# jest-kubernetes in bash
_jest_kubernetes() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} first=1 words= names=
  if [[ \${COMP_WORDS[0]##*/} == npx ]]; then
    [[ \${COMP_WORDS[1]} == jest-kubernetes && COMP_CWORD -gt 1 ]] || return 0
    first=2
  fi
  if [[ COMP_CWORD -eq first ]]; then
    words='${words([...commands, ...options])}'
  else
    case \${COMP_WORDS[first]} in
${commands.map(({ word, options: own, values, takesName }) => `      ${word}) words='${[words(own), ...values].join(' ')}'${takesName ? ' names=1' : ''} ;;`).join('\n')}
    esac
  fi
  [[ $before == ${nameOption} ]] && words= names=1
  if [[ -n $names && $word != -* ]]; then
    words="$words $("\${COMP_WORDS[@]:0:first}" cluster-names 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _jest_kubernetes jest-kubernetes
complete -p npx &>/dev/null || complete -o default -F _jest_kubernetes npx`;
