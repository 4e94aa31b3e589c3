/** Of the page: it is read in any browser, in light and dark, and on paper. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--raised:#f6f7f9;--ink:#1c2128;--soft:#636c76;--line:#d8dee4;--link:#0b5cad;
--good:#2da44e;--bad:#cf222e;--bad-paper:#fff1f0;--warn:#bf8700;--busy:#4a89dc;--idle:#afb8c1;--code:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--paper:#0f1318;--raised:#171c23;--ink:#e3e8ee;--soft:#939da8;--line:#2d343d;--link:#6cb2ff;
--good:#3fb950;--bad:#f85149;--bad-paper:#2a1618;--warn:#d29922;--busy:#4c8dd9;--idle:#56606b;--code:#151a21}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 80px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px}h2{font-size:18px;margin:40px 0 10px}
h3{font-size:12px;letter-spacing:.04em;text-transform:uppercase;color:var(--soft);margin:14px 0 4px;font-weight:600}
p{margin:0 0 8px}a{color:var(--link)}.soft{color:var(--soft)}
.mark{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px}
.chart{border:1px solid var(--line);border-radius:8px;padding:10px 14px 12px;background:var(--raised);overflow:hidden}
.row{display:flex;align-items:center;min-height:22px}
.label{flex:0 0 260px;padding-right:12px;font-size:13px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.track{position:relative;flex:1;height:14px;border-radius:3px;background:color-mix(in srgb,var(--line) 35%,transparent)}
.axis .track{background:none;height:18px}
.tick{position:absolute;font-size:11px;color:var(--soft);border-left:1px solid var(--line);padding-left:4px;white-space:nowrap;height:18px}
.bar{position:absolute;top:1px;height:12px;min-width:3px;border-radius:3px;background:var(--idle)}
.dot{position:absolute;top:3px;width:8px;height:8px;margin-left:-4px;border-radius:50%;background:var(--soft);border:1px solid var(--paper)}
.mark{background:var(--idle)}:is(.bar,.dot,.mark):is(.done,.ready){background:var(--good)}:is(.bar,.dot,.mark).failed{background:var(--bad)}
:is(.bar,.dot,.mark).running{background:var(--busy)}:is(.bar,.dot,.mark):is(.waiting,.warning){background:var(--warn)}
code{font:0.92em ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;background:color-mix(in srgb,var(--line) 45%,transparent);border-radius:4px;padding:0 4px}
.legend{font-size:12px;color:var(--soft);margin:8px 2px 0}.legend span{margin-right:16px;white-space:nowrap}.legend .mark{margin-right:5px}
article{border:1px solid var(--line);border-radius:10px;margin:0 0 22px;padding:18px 20px;scroll-margin-top:12px}
article:target{outline:2px solid var(--link)}
article h2{margin:0 0 2px;font-size:17px;overflow-wrap:anywhere}
.cause{background:var(--bad-paper);border-left:4px solid var(--bad);border-radius:4px;padding:12px 16px;margin:14px 0}
.cause b{display:block;overflow-wrap:anywhere}.cause ul{margin:8px 0;padding-left:18px;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace}
.cause li{overflow-wrap:anywhere}.code{font-size:12px;color:var(--soft);font-weight:400}
pre,.lines{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;background:var(--code);border:1px solid var(--line);border-radius:6px}
pre{padding:12px 14px;margin:12px 0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:320px;overflow:auto}
.lines{max-height:460px;overflow:auto;margin:8px 0}
.lines table{border-collapse:collapse;width:100%}.lines td{padding:1px 10px;vertical-align:top}
.lines tr:hover{background:color-mix(in srgb,var(--line) 40%,transparent)}
.lines td:first-child{white-space:nowrap;text-align:right;color:var(--soft)}
.lines td:nth-child(2){white-space:nowrap;max-width:240px;overflow:hidden;text-overflow:ellipsis;color:var(--soft)}
.lines td:last-child{overflow-wrap:anywhere;width:100%}
.lines tr.event td:nth-child(2){color:var(--link)}.lines tr.warning td:nth-child(2){color:var(--warn)}.lines tr.change td:nth-child(2){color:var(--good)}
details{margin:12px 0 0}summary{cursor:pointer;font-weight:600;font-size:14px}
@media(max-width:720px){.label{flex-basis:120px}main{padding:16px 12px}}
@media print{.lines,pre{max-height:none}}
`;
