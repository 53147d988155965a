(component
  (import "myrelay:plugin/log@1.0.0" (instance $log
    (type $written (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $written)))
    (export "log" (func
      (param "level" $level)
      (param "message" string)
      (param "fields" (list (tuple string string)))))))
  (core module $data
    (memory (export "memory") 1)
    (data (i32.const 16) "it is of today"))
  (core instance $data (instantiate $data))
  (core func $log (canon lower (func $log "log") (memory $data "memory")))
  (core module $main
    (import "host" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run")
      (call $log (i32.const 3) (i32.const 16) (i32.const 14) (i32.const 0) (i32.const 0))))
  (core instance $main (instantiate $main
    (with "host" (instance (export "log" (func $log))))))
  (func (export "run") (canon lift (core func $main "run"))))
