(component
  (import "myrelay:plugin/log@0.1.0" (instance $log
    (export "line" (func (param "text" string)))))
  (core module $data
    (memory (export "memory") 1)
    (data (i32.const 16) "it was built before")
    (data (i32.const 48) "org.example.v0"))
  (core instance $data (instantiate $data))
  (core func $line (canon lower (func $log "line") (memory $data "memory")))
  (core module $main
    (import "host" "line" (func $line (param i32 i32)))
    (import "data" "memory" (memory 1))
    (func (export "describe") (result i32)
      (call $line (i32.const 16) (i32.const 19))
      (i32.store (i32.const 0) (i32.const 48))
      (i32.store (i32.const 4) (i32.const 14))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance (export "line" (func $line))))
    (with "data" (instance $data))))
  (func $describe (result string)
    (canon lift (core func $main "describe") (memory $data "memory")))
  (instance $lifecycle (export "describe" (func $describe)))
  (export "myrelay:plugin/lifecycle@0.1.0" (instance $lifecycle)))
