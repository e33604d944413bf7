/** Styles of launcher and frame, inside the shadow root. `--c` is the theme colour, `--t` the colour on it. */
export const css = `
:host{all:initial!important;display:block!important}
*{box-sizing:border-box}
.l{position:fixed;bottom:20px;right:20px;width:58px;height:58px;border:0;border-radius:50%;padding:0;cursor:pointer;
background:var(--c,#0e7a6b);color:var(--t,#fff);z-index:var(--z);
box-shadow:0 1px 6px rgba(9,20,32,.12),0 8px 28px rgba(9,20,32,.22);
transition:transform .18s cubic-bezier(.2,.8,.2,1),box-shadow .18s}
.l::before{content:"";position:absolute;inset:0;border-radius:50%;background:linear-gradient(160deg,rgba(255,255,255,.2),rgba(255,255,255,0) 55%)}
.l:hover{transform:scale(1.06);box-shadow:0 2px 8px rgba(9,20,32,.14),0 12px 34px rgba(9,20,32,.28)}
.l:active{transform:scale(.96)}
.l:focus-visible{outline:3px solid var(--c,#0e7a6b);outline-offset:3px}
.l svg{position:absolute;inset:0;margin:auto;transition:transform .26s cubic-bezier(.2,.8,.2,1),opacity .16s}
.l .x{opacity:0;transform:rotate(-45deg) scale(.6)}
.o .l .x{opacity:1;transform:none}
.o .l .b{opacity:0;transform:rotate(45deg) scale(.6)}
.n{position:absolute;top:-3px;right:-3px;min-width:21px;height:21px;padding:0 6px;border-radius:11px;background:#e5383b;color:#fff;
border:2px solid #fff;font:600 11px/17px system-ui,sans-serif;text-align:center;animation:p .3s cubic-bezier(.3,1.6,.5,1)}
@keyframes p{from{transform:scale(0)}}
.p{position:fixed;bottom:92px;right:20px;width:404px;height:min(712px,calc(100vh - 112px));height:min(712px,calc(100dvh - 112px));
border-radius:18px;overflow:hidden;z-index:var(--z);background:#fff;color-scheme:light dark;
box-shadow:0 0 0 1px rgba(9,20,32,.06),0 12px 48px rgba(9,20,32,.2),0 2px 8px rgba(9,20,32,.08);
transform-origin:calc(100% - 29px) 100%;opacity:0;visibility:hidden;transform:translateY(14px) scale(.95);
transition:opacity .18s,transform .24s cubic-bezier(.2,.9,.25,1),visibility 0s .24s}
.p.d{background:#14181d}
.o .p{opacity:1;visibility:visible;transform:none;transition-delay:0s}
iframe{display:block;width:100%;height:100%;border:0;color-scheme:normal}
.left .l,.left .p{right:auto;left:20px}
.left .p{transform-origin:29px 100%}
.h .l{display:none}
.h .p{bottom:20px}
@media (max-width:480px),(max-height:460px){
.p,.left .p{inset:0;width:100%;height:100%;height:100dvh;border-radius:0;transform:translateY(24px)}
.o .l{display:none}}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media print{.l,.p{display:none}}
`;
